import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type Argument, Arguments, Interpreter, type Node, SymInt } from '../../lib/graph/index.ts';
import { keepsSamplesApart } from '../../lib/plan/index.ts';
import { type DType, Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { build, execute } from '../support/run-plan.ts';
import { seededIntegers } from '../support/steps.ts';

/** Small whole numbers, also negative ones where the dtype has them. */
function whole(dtype: DType, shape: readonly number[], seed: number): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const [low, high] = dtype === 'bool' ? [0, 1] : dtype === 'uint8' ? [1, 9] : [-4, 4];
  return Tensor.from(dtype, seededIntegers(count, low, high, seed), shape);
}

/** A call whose arguments `x`, `y` and `mask` are inputs. */
type Args = (x: Node, y: Node, mask: Node) => readonly Argument[];

const calls: readonly [target: string, args: Args, dtype?: DType][] = [
  ['aten.add.Tensor', (x, y) => [x, y], 'int64'],
  ['aten.mul.Scalar', (x) => [x, 3], 'int32'],
  ['aten.div.Tensor', (x) => [x, 4], 'int16'],
  ['aten.floor_divide.Scalar', (x) => [x, 3], 'int8'],
  ['aten.remainder.Scalar', (x) => [x, 3], 'float64'],
  ['aten.pow.Tensor_Scalar', (x) => [x, 2], 'int64'],
  ['aten.maximum.default', (x, y) => [x, y], 'uint8'],
  ['aten.gt.Tensor', (x, y) => [x, y]],
  ['aten.eq.Scalar', (x) => [x, 1], 'int64'],
  ['aten.logical_and.default', (_, y, mask) => [mask, y]],
  ['aten.bitwise_xor.Tensor', (x, y) => [x, y], 'uint8'],
  ['aten.bitwise_not.default', (_, __, mask) => [mask]],
  ['aten.where.self', (x, y, mask) => [mask, x, y]],
  ['aten.where.ScalarOther', (x, _, mask) => [mask, x, -1], 'int64'],
  ['aten.masked_fill.Scalar', (x, _, mask) => [x, mask, Number.NEGATIVE_INFINITY]],
  ['aten.erf.default', (x) => [x]],
  ['aten.sin.default', (x) => [x]],
  ['aten.cos.default', (x) => [x], 'float64'],
  ['aten.round.default', (x) => [x]],
  ['aten.softplus.default', (x) => [x]],
  ['aten.clamp.default', (x) => [x, -1, 2], 'int64'],
  ['aten.clamp.Tensor', (x, y) => [x, null, y]],
  ['aten.addcmul.default', (x, y) => [x, y, y]],
  ['aten.lerp.Scalar', (x, y) => [x, y, 0.25]],
  ['aten.full_like.default', (x) => [x, 2.5]],
  ['aten.zeros_like.default', (x) => [x], 'int64'],
  ['aten.fill_.Scalar', (x) => [x, 3], 'int32'],
  ['aten.sum.dim_IntList', (x) => [x, [1]], 'int64'],
  ['aten.prod.dim_int', (x) => [x, 2], 'int32'],
  ['aten.amax.default', (x) => [x, [2], true], 'int64'],
  ['aten.any.dim', (_, __, mask) => [mask, -1]],
  ['aten.argmax.default', (x) => [x, 1]],
  ['aten.var.correction', (x) => [x, [1, 2]]],
  ['aten.linalg_vector_norm.default', (x) => [x, 3, [-1]]],
  ['aten.logsumexp.default', (x) => [x, [1]]],
  ['aten.cumsum.default', (x) => [x, 1]],
  ['aten.argsort.default', (x) => [x, -1, true]],
  ['aten.max.dim', (x) => [x, 1]],
  ['aten.topk.default', (x) => [x, 2, 2]],
  ['aten.sort.default', (x) => [x], 'int64'],
  ['aten.std_mean.correction', (x) => [x, [2]]],
];

const shape = [4, 3, 5];

interface Case {
  readonly module: ReturnType<GraphBuilder['finish']>;
  readonly inputs: readonly Tensor[];
}

/** The call on row-major inputs, or on one whose axes a transposition brings in order. */
function graphOf(target: string, args: Args, dtype: DType, transposed: boolean, batch?: SymInt): Case {
  const b = new GraphBuilder();
  const dims = [batch ?? shape[0], shape[1], shape[2]];
  const stored = transposed ? [dims[0], dims[2], dims[1]] : dims;
  const x = b.input('x', stored, dtype);
  const y = b.input('y', dims, dtype);
  const mask = b.input('mask', dims, 'bool');
  const call = b.call(target, ...args(transposed ? b.call('aten.transpose.int', x, 1, 2) : x, y, mask));
  const several = operators.get(target).schema.returns;
  const results = several > 1 ? [0, 1].map((i) => b.call('operator.getitem', call, i)) : [call];
  const xShape = transposed ? [shape[0], shape[2], shape[1]] : shape;
  return {
    module: b.finish(...results),
    inputs: [whole(dtype, xShape, 1), whole(dtype, shape, 2), whole('bool', shape, 3)],
  };
}

describe.each(calls)('%s', (target, args, dtype = 'float32') => {
  it('is the same in a plan as when run eagerly, also where an input is transposed', () => {
    for (const transposed of [false, true]) {
      const { module, inputs } = graphOf(target, args, dtype, transposed);
      const expected = new Interpreter(module, operators).run(inputs);
      expect(execute(build(module), inputs)).toEqual(expected);
    }
  });

  it('computes the samples of a batch one by one', () => {
    const { module, inputs } = graphOf(target, args, dtype, false, new SymInt(['s0']));
    const metas = module.graph.placeholders.map((node) => node.meta.val as never);
    expect(keepsSamplesApart(module, metas)).toBe(true);
    const run = (tensors: readonly Tensor[]) => new Interpreter(module, operators).run(tensors);
    const part = (tensor: Tensor, from: number, to: number) => {
      const operator = operators.get('aten.slice.Tensor');
      return operator.execute(Arguments.bind<Tensor>(operator.schema, [tensor, 0, from, to])) as Tensor;
    };
    const parts = [
      run(inputs.map((input) => part(input, 0, 1))),
      run(inputs.map((input) => part(input, 1, 4))),
    ];
    run(inputs).forEach((all, i) => {
      expect(parts.flatMap((results) => results[i].toArray())).toEqual(all.toArray());
    });
  });
});

describe('tensors of one value for each sample', () => {
  const batch = new SymInt(['s0']);
  const graph = (target: string, args: (x: Node, size: Node) => readonly Argument[]) => {
    const b = new GraphBuilder();
    const x = b.input('x', [batch, 5]);
    const size = b.call('aten.sym_size.int', x, 0);
    return b.finish(b.call('aten.add.Tensor', x, b.call(target, ...args(x, size))));
  };
  /** The number of its row is added to each element. */
  const rows = () => {
    const b = new GraphBuilder();
    const x = b.input('x', [batch, 5]);
    const range = b.call('aten.arange.default', b.call('aten.sym_size.int', x, 0));
    return {
      range,
      module: b.finish(b.call('aten.add.Tensor', x, b.call('aten.unsqueeze.default', range, 1))),
    };
  };
  const isApart = (...of: Parameters<typeof graph>) => {
    const module = graph(...of);
    return keepsSamplesApart(module, [{ dtype: 'float32', shape: [batch, 5] }]);
  };

  it('do not depend on how many there are; a range does', () => {
    expect(isApart('aten.zeros.default', (_, size) => [[size, 5]])).toBe(true);
    expect(isApart('aten.full.default', (_, size) => [[size, 1], 2.5])).toBe(true);
    expect(isApart('aten.new_ones.default', (x, size) => [x, [size, 5]])).toBe(true);
    expect(isApart('aten.full_like.default', (x) => [x, 2])).toBe(true);
    const { module, range } = rows();
    expect(range.target).toBe('aten.arange.default');
    expect(keepsSamplesApart(module, [{ dtype: 'float32', shape: [batch, 5] }])).toBe(false);
  });
});
