import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import { Arguments, type GraphModule, SymInt } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { convertPt2e, EmbeddingQuantizer, preparePt2e } from '../../lib/quantization/index.ts';
import { compile, loadModel } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { packedTable } from '../support/packed-table.ts';
import { calls, greatestDifference, interpret } from '../support/run-pass.ts';

let golden: ReadonlyMap<string, Tensor>;
beforeAll(async () => {
  golden = await loadNpz('test/fixtures/quantization/embedding_tables.npz');
});
const folder = mkdtempSync(join(tmpdir(), 'octavo-tables-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** PyTorch's numbers for modes of bags. */
const [SUM, MEAN, MAX] = [0, 1, 2];

describe.each([
  { width: 16, bits: 8 },
  { width: 16, bits: 4 },
  { width: 34, bits: 8 },
  { width: 34, bits: 4 },
] as const)('a table of $bits bits, $width wide', ({ width, bits }) => {
  const of = (name: string) => golden.get(`${width}.${bits}.${name}`)!;
  const shared = (name: string) => golden.get(name)!;
  const suffix = bits === 4 ? '_4bit' : '_byte';
  const rowBytes = (width * bits) / 8;
  const stored = () => new Tensor('uint8', of('stored').data, [40, rowBytes]);

  function run(name: string, ...rest: readonly unknown[]): Tensor {
    const operator = operators.get(`octavo.${name}${suffix}.default`);
    const table = packedTable(stored(), of('scales'), of('zero_points'));
    const args = [table, ...rest, ...(bits === 4 ? [width] : [])];
    return operator.execute(Arguments.bind<Tensor>(operator.schema, args)) as Tensor;
  }

  /**
   * By how much a row may differ: its values are rounded a few times in float32, at the magnitude of its smallest and
   * largest. PyTorch rounds the scale and the smallest value of 4 bits to float16 before.
   */
  function allowance(row: number): number {
    const scale = Number(of('scales').toArray()[row]);
    const least = Math.abs(scale * Number(of('zero_points').toArray()[row]));
    const precision = bits === 4 ? 2 ** -11 : 2 ** -22;
    return precision * (least + scale * (2 ** bits - 1));
  }

  it('is looked up as by torch.ops.quantized.embedding_byte or embedding_4bit', () => {
    const got = run('embedding', shared('indices')).toArray() as number[];
    const wanted = of('embedding').toArray() as number[];
    const rows = shared('indices').toArray().map(Number);
    rows.forEach((row, i) => {
      const of = (values: readonly number[]) => values.slice(i * width, (i + 1) * width);
      const errors = of(got).map((value, j) => Math.abs(value - of(wanted)[j]));
      expect(Math.max(...errors), `row ${row}`).toBeLessThanOrEqual(allowance(row));
    });
  });

  it.each([
    { name: 'sum', mode: SUM },
    { name: 'weighted', mode: SUM },
    { name: 'mean', mode: MEAN },
    { name: 'max', mode: MAX },
  ])('has the $name of bags that PyTorch has', ({ name, mode }) => {
    const factors = name === 'weighted' ? shared('factors') : null;
    const got = run('embedding_bag', shared('indices'), shared('offsets'), mode, factors, false, -1);
    const wanted = of(name).toArray() as number[];
    const rows = shared('indices').toArray().map(Number);
    const starts = [...shared('offsets').toArray().map(Number), rows.length];
    const bags = starts.slice(1).map((end, bag) => rows.slice(starts[bag], end));
    const largest = Math.max(
      1,
      ...shared('factors')
        .toArray()
        .map((value) => Math.abs(Number(value))),
    );
    bags.forEach((members, bag) => {
      const allowed = members.reduce((sum, row) => sum + largest * allowance(row), 0);
      for (let i = bag * width; i < (bag + 1) * width; i++)
        expect(Math.abs((got.toArray()[i] as number) - wanted[i])).toBeLessThanOrEqual(allowed);
    });
  });

  /** An embedding and a bag of one table. */
  function network(): GraphModule {
    const b = new GraphBuilder();
    const table = b.constant('table', of('table'));
    const [count, bagCount] = [new SymInt(['s0']), new SymInt(['s1'])];
    const [indices, offsets] = [
      b.input('indices', [count], 'int64'),
      b.input('offsets', [bagCount], 'int64'),
    ];
    const rest = [false, MEAN, false, null, false, 3];
    const bag = b.call('aten.embedding_bag.padding_idx', table, indices, offsets, ...rest);
    return b.finish(b.call('aten.embedding.default', table, indices), b.call('operator.getitem', bag, 0));
  }

  it('is quantized to the integers that PyTorch’s decomposed operators give, and stored in so many bits', async () => {
    const converted = convertPt2e(preparePt2e(network(), new EmbeddingQuantizer({ bits })));
    const attribute = (name: string) =>
      [...converted.attributes]
        .find(([target]) => target.includes(name))![1]
        .toArray()
        .map(Number);
    expect(attribute('_frozen_param')).toEqual(of('decomposed').toArray().map(Number));
    expect(attribute('_scale_')).toEqual(of('scales').toArray());
    expect(attribute('_zero_point_')).toEqual(of('zero_points').toArray());

    const { module, report } = lower(converted, { strict: true });
    expect(new Set(calls(module))).toEqual(
      new Set([`octavo.embedding${suffix}.default`, `octavo.embedding_bag${suffix}.default`]),
    );
    expect(report.passes).toContainEqual({ pass: 'quantized-embedding', count: 2 });
    const bytes = [...module.attributes.values()].filter(({ dtype }) => dtype === 'uint8');
    expect(bytes.map(({ shape }) => shape)).toEqual([[40, rowBytes + 8]]);

    const inputs = [shared('indices'), shared('offsets')];
    const wanted = interpret(converted, ...inputs);
    const path = join(folder, `${width}-${bits}.octavo`);
    using model = compile(module, { threadsPerStream: 1 });
    await model.save(path);
    using loaded = await loadModel(path);
    for (const each of [model, loaded]) {
      const [rows, means] = Object.values(await each.run({ indices: inputs[0], offsets: inputs[1] }));
      // The same numbers, one by one; means of rows of up to 200 are added up by multiply-adds.
      expect(greatestDifference(wanted[0], rows as Tensor)).toBe(0);
      expect(greatestDifference(wanted[1], means as Tensor)).toBeLessThan(1e-4);
    }
    expect(statSync(path).size).toBeLessThan(40 * (rowBytes + 8) + 4000);
  });
});

it('refuses other numbers of bits', () => {
  expect(() => new EmbeddingQuantizer({ bits: 2 as 4 })).toThrow('bits must be 8 or 4, got 2');
  expect(() => new EmbeddingQuantizer({ bit: 4 } as object)).toThrow('did you mean "bits"?');
});
