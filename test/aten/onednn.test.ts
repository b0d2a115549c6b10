import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments, SymInt, type TensorMeta } from '../../lib/graph/index.ts';
import { qlinearPointwise, qlinearPointwiseBinary, qlinearPrepack } from '../../lib/onednn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { expectClose, testGoldens } from '../support/aten-goldens.ts';

// Integers are equal: no value of these cases lies at a tie. Floats: exact sums of int8 products, then a few float32
// operations and, for swish, a polynomial on either side.
describe("Inductor's quantized convolutions", () =>
  testGoldens('fused_convolution', () => ({ absolute: 1e-5, relative: 1e-5 })));

const run = (target: string, ...args: readonly unknown[]): Tensor => {
  const operator = operators.get(target);
  return operator.execute(Arguments.bind<Tensor>(operator.schema, args)) as Tensor;
};

const bytes = (count: number, step: number, offset = 0) =>
  Array.from({ length: count }, (_, i) => ((i * step) % 256) + offset);
const qx = Tensor.from('uint8', bytes(24, 37), [2, 3, 4]);
const qw = Tensor.from('int8', bytes(20, 91, -128), [5, 4]);
const wScale = Tensor.from('float32', [0.01, 0.02, 0.03, 0.04, 0.05]);
const wZeroPoint = Tensor.zeros('int64', [5]);
const bias = Tensor.from('float32', [1, 2, 3, 4, 5]);
const packed = qlinearPrepack(qw, wScale);

describe("Inductor's quantized linears", () => {
  // The functions of octavo/onednn are held against float64 in test/onednn.
  const relu = ['relu', [], ''] as const;
  const weight = [qw, wScale, wZeroPoint] as const;
  const expected = qlinearPointwise(qx, packed, {
    xScale: 0.02,
    xZeroPoint: 3,
    bias,
    outputScale: 0.5,
    outputZeroPoint: 4,
    unary: { name: 'relu' },
  });

  it('qlinear_pointwise', () => {
    const output = [bias, 0.5, 4, null, ...relu] as const;
    expect(run('onednn.qlinear_pointwise.default', qx, 0.02, 3, ...weight, ...output)).toEqual(expected);
    const [scale, zeroPoint] = [Tensor.scalar('float64', 0.02), Tensor.scalar('int64', 3)];
    expect(run('onednn.qlinear_pointwise.tensor', qx, scale, zeroPoint, ...weight, ...output)).toEqual(
      expected,
    );
  });

  it.each(['sum', 'add'])('qlinear_pointwise.binary, %s', (name) => {
    const other = Tensor.from('uint8', bytes(30, 53), [2, 3, 5]);
    const call = [1, 0, 'float32', 0.25, 7, name, 1, 'gelu', [], 'tanh'];
    const actual = run('onednn.qlinear_pointwise.binary', qx, 0.02, 3, ...weight, other, null, ...call);
    const wanted = qlinearPointwiseBinary(qx, packed, other, {
      xScale: 0.02,
      xZeroPoint: 3,
      outputDtype: 'float32',
      otherScale: 0.25,
      otherZeroPoint: 7,
      unary: { name: 'gelu', approximate: 'tanh' },
    });
    // A packed weight's zero point is part of the bias: the same number, rounded elsewhere.
    expectClose(actual, wanted, { absolute: 1e-5, relative: 1e-5 });
  });
});

describe('float convolutions and linears with what is fused', () => {
  const random = (shape: readonly number[], step: number) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return Tensor.from(
      'float32',
      bytes(count, step).map((v) => v / 128 - 1),
      shape,
    );
  };
  const close = (actual: Tensor, wanted: number[]) => {
    // float32 sums in another order.
    for (const [i, value] of actual.toArray().entries()) expect(value).toBeCloseTo(wanted[i], 4);
  };
  const [x, w, b] = [random([2, 3, 6, 6], 37), random([4, 3, 3, 3], 91), random([4], 11)];
  const geometry = [[1, 1], [2, 2], [1, 1], 1];
  const plain = run('aten.conv2d.default', x, w, b, [2, 2], [1, 1]);
  const other = random(plain.shape, 71);

  it('mkldnn._convolution_pointwise', () => {
    const slope = run('mkldnn._convolution_pointwise.default', x, w, b, ...geometry, 'leaky_relu', [0.2], '');
    close(
      slope,
      plain.toArray().map((v) => (v < 0 ? 0.2 * v : v)),
    );
    const sum = run(
      'mkldnn._convolution_pointwise.binary',
      x,
      other,
      w,
      b,
      ...geometry,
      'add',
      1,
      'relu',
      [],
      '',
    );
    close(
      sum,
      plain.toArray().map((v, i) => Math.max(v + other.toArray()[i], 0)),
    );
  });

  it('mkldnn._linear_pointwise', () => {
    const [rows, matrix] = [random([3, 7], 37), random([5, 7], 91)];
    const linear = run('aten.linear.default', rows, matrix);
    close(
      run('mkldnn._linear_pointwise.default', rows, matrix, null, 'tanh', [], ''),
      linear.toArray().map(Math.tanh),
    );
    const added = random([3, 5], 11);
    close(
      run('mkldnn._linear_pointwise.binary', rows, added, matrix, null, 'add'),
      linear.toArray().map((v, i) => v + added.toArray()[i]),
    );
  });
});

describe('what is refused', () => {
  const linear =
    (...tail: readonly unknown[]) =>
    () =>
      run('onednn.qlinear_pointwise.default', qx, 0.02, 3, qw, ...tail);
  const output = [null, 1, 0, 'float32'];
  it.each<[string, () => unknown, RegExp]>([
    ['asymmetric weights', linear(wScale, bias, ...output, 'none', [], ''), /w_zero_point must be 0/],
    ['an unknown function', linear(wScale, wZeroPoint, ...output, 'sine', [], ''), /'sine' is not supported/],
    ['missing scalars', linear(wScale, wZeroPoint, ...output, 'hardtanh', [0], ''), /hardtanh's upper bound/],
    ['another gelu', linear(wScale, wZeroPoint, ...output, 'gelu', [], 'fast'), /'none' or 'tanh'/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });

  it('a subtraction, and factors', () => {
    const sum = (name: string, alpha: number) => () =>
      run(
        'onednn.qlinear_pointwise.binary',
        ...[qx, 0.02, 3, qw, wScale, wZeroPoint, Tensor.zeros('float32', [2, 3, 5]), ...output, 1, 0],
        ...[name, alpha, 'none', [], ''],
      );
    expect(sum('sub', 1)).toThrow("'sub' is not supported");
    expect(sum('sum', 2)).toThrow('takes no alpha but 1, got 2');
  });

  it('weight scales that are not known when a plan is made', () => {
    const operator = operators.get('onednn.qlinear_pointwise.default');
    const unknown = { dtype: 'float32', shape: [5] } as const;
    const args = [qx, 0.02, 3, qw, unknown, wZeroPoint, ...output, 'none', [], ''];
    const { definition } = operator;
    if (!('step' in definition)) throw new Error('the operator has no step');
    expect(() => definition.step(Arguments.bind<Tensor>(operator.schema, args))).toThrow(
      'w_scale must be a constant of the graph, but it is computed at run time',
    );
  });

  it('shapes keep a symbolic batch size and take the output dtype', () => {
    const operator = operators.get('onednn.qconv2d_pointwise.default');
    const meta = (dtype: TensorMeta['dtype'], ...shape: TensorMeta['shape']) => ({ dtype, shape });
    const [one, parameter] = [[1, 1], meta('float32', 8)];
    const args = [
      meta('uint8', new SymInt(['s0']), 4, 6, 6),
      1,
      0,
      meta('int8', 8, 4, 3, 3),
      parameter,
      parameter,
    ];
    const tail = [null, one, one, one, 1, 1, 0, 'bfloat16', 'none', [], ''];
    const result = operator.infer(
      Arguments.bind<TensorMeta>(operator.schema, [...args, ...tail]),
    ) as TensorMeta;
    expect([result.dtype, ...result.shape.map(String)]).toEqual(['bfloat16', 's0', '8', '6', '6']);
  });
});
