import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import {
  deserializeGraph,
  type Graph,
  Interpreter,
  SymFloat,
  serializeGraph,
  type TensorMeta,
} from '../../lib/graph/index.ts';
import { buildPlan, ConstantStore } from '../../lib/plan/index.ts';
import { type DType, Tensor } from '../../lib/tensor/index.ts';
import { expectClose } from '../support/aten-goldens.ts';
import { execute } from '../support/run-plan.ts';

interface Stored {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const fixture = (name: string) => new URL(`../fixtures/pt2/programs/${name}`, import.meta.url).pathname;

const tensorOf = ({ dtype, shape, values }: Stored): Tensor => Tensor.from(dtype, values, shape);

/** Sums of a few values, in another order than PyTorch's, and roots and powers of them. */
const tolerance = { absolute: 1e-6, relative: 2e-6 };

/** The program of script/goldens/programs.py, in the interpreter and as a plan, against what PyTorch computed. */
async function check(name: string): Promise<void> {
  const module = await loadPt2(fixture(`${name}.pt2`));
  const runs = JSON.parse(readFileSync(fixture(`${name}.json`), 'utf8')) as {
    readonly inputs: readonly Stored[];
    readonly outputs: readonly Stored[];
  }[];
  for (const { inputs, outputs } of runs) {
    const given = inputs.map(tensorOf);
    const expected = outputs.map(tensorOf);
    expectClose(new Interpreter(module, operators).run(given), expected, tolerance);
    const plan = buildPlan(module, {
      inputs: given,
      constants: new ConstantStore(),
      machine: { blocksChannels: false, threads: 1 },
    });
    expectClose(execute(plan, given), expected, tolerance);
  }
}

describe("programs of PyTorch's", () => {
  it.each(['distances', 'masked_scatter', 'as_strided', 'kernels'])('%s', check);

  it('numbers computed from sizes, for sizes of every kind', () => check('real_sizes'));

  it('whole numbers computed from reals, one of which is an extent', async () => {
    await check('truncated_sizes');
    const { graph } = await loadPt2(fixture('truncated_sizes.pt2'));
    const range = graph.nodes.find(({ target }) => target.startsWith('aten.arange'))!;
    expect(String((range.meta.val as TensorMeta).shape)).toMatch(/^trunc\(\(?s\d+ \/ 3\)?\)$/);
  });

  it('such numbers are known by their text, also when the graph was saved', async () => {
    const { graph } = await loadPt2(fixture('real_sizes.pt2'));
    const json = JSON.parse(JSON.stringify(serializeGraph(graph)));
    const textOf = ({ nodes }: Graph) =>
      nodes.flatMap(({ meta }) => (meta.val instanceof SymFloat ? [String(meta.val)] : []));
    expect(textOf(graph)).toContain('(float(s0) ** -0.5)');
    expect(textOf(deserializeGraph(json))).toEqual(textOf(graph));
  });

  it.each(['cond_true', 'cond_false'])('%s: the branch of a constant predicate', async (name) => {
    await check(name);
    const { graph } = await loadPt2(fixture(`${name}.pt2`));
    const targets = graph.nodes.map(({ target }) => target);
    expect(targets.includes('aten.relu.default')).toBe(name === 'cond_true');
  });

  it('a branch that a request decides is refused, and says why', async () => {
    await expect(loadPt2(fixture('cond_of_data.pt2'))).rejects.toThrow(
      /nodes\[2\].* is the predicate 'gt' of a torch\.cond, which the model computes from its inputs/,
    );
    await expect(loadPt2(fixture('cond_of_sizes.pt2'))).rejects.toThrow(
      /is the predicate 'gt' of a torch\.cond, which depends on the sizes of a request/,
    );
  });

  it('as_strided of a tensor in another order of memory is refused', async () => {
    await expect(loadPt2(fixture('as_strided_of_transposed.pt2'))).rejects.toThrow(
      /nodes\[\d+\].*calls as_strided of 't', which PyTorch did not store row by row/,
    );
  });

  it('a random operator is refused with the reason', async () => {
    await expect(loadPt2(fixture('random.pt2'))).rejects.toThrow(
      /aten\.rand\.default \(1\)\n {4}aten\.rand\.default: it is random: .*programs\.py/,
    );
  });
});
