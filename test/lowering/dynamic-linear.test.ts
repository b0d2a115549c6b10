import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter, type Node } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import {
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { buildTransformer } from '../quantization/transformer.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { captureModel, goldenTensor } from '../support/pt2e-goldens.ts';
import { calls, greatestDifference, interpret } from '../support/run-pass.ts';

/** Quantizes `x` with parameters computed from it, and dequantizes it, as convertPt2e writes a dynamic activation. */
function quantizeDynamically(
  build: GraphBuilder,
  x: Node,
  dtype: 'uint8' | 'int8',
  symmetric: boolean,
  range: readonly [number, number] = dtype === 'uint8' ? [0, 255] : [-128, 127],
): Node {
  const choose = symmetric ? 'choose_qparams_symmetric' : 'choose_qparams';
  const chosen = build.call(`quantized_decomposed.${choose}.tensor`, x, ...range, 2 ** -12, dtype);
  const qparams = [0, 1].map((i) => build.call('operator.getitem', chosen, i));
  const rest = [...qparams, ...range, dtype];
  const integers = build.call('quantized_decomposed.quantize_per_tensor.tensor', x, ...rest);
  return build.call('quantized_decomposed.dequantize_per_tensor.tensor', integers, ...rest);
}

const erf = (x: number): number => {
  // 1 - erf(4) is 1.5e-8. Below, the Taylor series, whose largest term then costs 7 of the 16 digits.
  if (Math.abs(x) > 4) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; n < 80; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
};

const functions: Readonly<Record<string, (x: number) => number>> = {
  none: (x) => x,
  'aten.relu.default': (x) => Math.max(x, 0),
  'aten.gelu.default': (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  'aten.tanh.default': Math.tanh,
  'aten.leaky_relu.default': (x) => (x < 0 ? 0.01 * x : x),
};

interface Case {
  readonly name: string;
  readonly dtype: 'uint8' | 'int8';
  readonly symmetric: boolean;
  readonly unary: string;
  readonly bias: boolean;
  readonly sum: boolean;
  readonly length: number;
  /** 127: two products fit 16 bits, so that without VNNI many rows are convolutions of one pixel. */
  readonly high: number;
}

const inputs = { dtype: 'uint8', symmetric: false, length: 5, high: 255 } as const;
const base = { ...inputs, unary: 'none', bias: true, sum: false };
const shortCases: readonly Case[] = [
  ...Object.keys(functions).map((unary) => ({ ...base, name: `then ${unary}`, unary })),
  { ...base, name: 'without bias', bias: false },
  { ...base, name: 'of int8', dtype: 'int8', high: 127 },
  { ...base, name: 'of int8 around zero', dtype: 'int8', symmetric: true, high: 127 },
  { ...base, name: 'with an addition', sum: true },
  { ...base, name: 'with an addition, then relu', sum: true, unary: 'aten.relu.default' },
  { ...base, name: 'with an addition, without bias', sum: true, bias: false },
];
const cases = shortCases.flatMap((c) => [
  c,
  { ...c, name: `${c.name}, many rows`, length: 35 },
  ...(c.dtype === 'uint8' ? [{ ...c, name: `${c.name}, many rows of 7 bits`, length: 35, high: 127 }] : []),
]);

const lowest = ({ dtype }: Case) => (dtype === 'uint8' ? 0 : -128);

/** x and other: float32[2, length, 48], weight: int8[24, 48] with a scale an output channel. */
function buildLinear(c: Case): GraphModule {
  const { dtype, symmetric, unary, bias, sum, length, high } = c;
  const build = new GraphBuilder();
  const input = build.input('x', [2, length, 48]);
  const x = quantizeDynamically(build, input, dtype, symmetric, [lowest(c), high]);
  const weight = build.weight('w', [24, 48]);
  let y = build.call('aten.linear.default', x, weight, bias ? build.parameter('b', [24]) : null);
  if (sum) y = build.call('aten.add.Tensor', build.input('other', [2, length, 24]), y);
  return build.finish(unary === 'none' ? y : build.call(unary, y));
}

/** The same in double precision, with parameters rounded to float32 as PyTorch rounds them. */
function reference(module: GraphModule, c: Case, x: Tensor, other: Tensor): number[] {
  const [w, scales] = ['w', 'w_scale'].map((name) => module.attribute(name).toArray());
  const bias = c.bias ? module.attribute('b').toArray() : Array<number>(24).fill(0);
  const values = x.toArray();
  const [min, max] = [Math.min(0, ...values), Math.max(0, ...values)];
  const [low, high] = [lowest(c), c.high];
  const width = c.symmetric ? Math.max(-min, max) * 2 : max - min;
  const scale = Math.fround(Math.fround(width) / (high - low));
  const zeroPoint = c.symmetric ? 0 : low - Math.round(min / scale);
  const inverse = Math.fround(1 / scale);
  const toEven = (v: number) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
  const q = values.map((v) => {
    const integer = toEven(Math.fround(v * inverse)) + zeroPoint;
    return Math.min(Math.max(integer, low), high) - zeroPoint;
  });
  return Array.from({ length: 2 * c.length * 24 }, (_, i) => {
    const [row, n] = [Math.floor(i / 24), i % 24];
    let sum = 0;
    for (let k = 0; k < 48; k++) sum += q[row * 48 + k] * w[n * 48 + k];
    return functions[c.unary](sum * scale * scales[n] + bias[n] + (c.sum ? other.toArray()[i] : 0));
  });
}

describe('a linear layer quantized dynamically', () => {
  it.each(cases)('$name runs as one integer step, in a plan and in the interpreter', async (c) => {
    const converted = buildLinear(c);
    const { module, report } = lower(converted);
    expect(report.refusals).toEqual([]);
    const step = `onednn.qlinear_pointwise.${c.sum ? 'binary_tensor' : 'tensor'}`;
    expect(calls(module).filter((target) => !/qparams|getitem|quantize_per_tensor/.test(target))).toEqual([
      step,
    ]);
    expect(report.nodes.find(({ target }) => target === 'aten.linear.default')!.step).toBe(step);

    const other = uniform([2, c.length, 24], -1, 1, 4);
    using model = compile(module, { threadsPerStream: 1 });
    // Parameters are those of each request: the second one's are three times the first one's, and lopsided.
    for (const [low, high] of [
      [-1, 1],
      [-1, 5],
    ]) {
      const x = uniform([2, c.length, 48], low, high, 3);
      const inputs = c.sum ? [x, other] : [x];
      const [result] = Object.values(
        await model.run(Object.fromEntries(model.inputs.map(({ name }, i) => [name, inputs[i]]))),
      );
      // The interpreter does not know that 7 bits are all, and may run other kernels, which round differently.
      const sevenBits = c.dtype === 'uint8' && c.high === 127;
      const interpreted = interpret(module, ...inputs)[0];
      expect(greatestDifference(result as Tensor, interpreted)).toBeLessThanOrEqual(sevenBits ? 2e-5 : 0);
      // Integers are exact; values of magnitude under 16 go through some ten float32 operations, each within 2^-24.
      const expected = Tensor.from('float32', reference(module, c, x, other), [2, c.length, 24]);
      expect(greatestDifference(result as Tensor, expected)).toBeLessThan(2e-5);
    }
  });

  it('runs on kernels that are no reference code, at every number of rows', () => {
    for (const rows of [1, 7, 128]) {
      const build = new GraphBuilder();
      const x = quantizeDynamically(build, build.input('x', [rows, 256]), 'uint8', false);
      const y = build.call(
        'aten.linear.default',
        x,
        build.weight('w', [256, 256]),
        build.parameter('b', [256]),
      );
      using model = compile(lower(build.finish(build.call('aten.gelu.default', y))).module);
      const steps = model.plan([rows, 256]).steps.filter(({ op }) => op === 'linear');
      expect(steps.map(({ implementation }) => implementation)).toEqual([expect.not.stringMatching(/ref/)]);
    }
  });

  it('refuses parameters that are none', () => {
    const build = new GraphBuilder();
    const [x, scale, zeroPoint] = [
      build.input('x', [2, 16], 'uint8'),
      build.input('s', [1]),
      build.input('z', [1]),
    ];
    const w = build.constant('w', Tensor.zeros('int8', [4, 16]));
    const [ws, wz] = [Tensor.from('float32', [1]), Tensor.from('int64', [0])].map((t, i) =>
      build.constant(`p${i}`, t),
    );
    const args = [x, scale, zeroPoint, w, ws, wz, null, 1, 0, 'float32', 'none', [], ''];
    const module = build.finish(build.call('onednn.qlinear_pointwise.tensor', ...args));
    const input = Tensor.zeros('uint8', [2, 16]);
    const one = (value: number) => Tensor.from('float32', [value]);
    expect(interpret(module, input, one(0.5), one(3))[0].toArray()).toEqual(Array(8).fill(0));
    for (const [s, z] of [
      [0, 3],
      [-1, 3],
      [Number.NaN, 3],
      [0.5, 256],
      [0.5, -1],
    ])
      expect(() => interpret(module, input, one(s), one(z))).toThrow(/are no parameters of uint8/);
  });
});

const dynamically = (module: GraphModule) =>
  convertPt2e(
    preparePt2e(module, new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isDynamic: true }))),
  );

describe('whole models quantized dynamically', () => {
  it('every linear layer of a transformer is fused, and the plan gives what PyTorch gives', async () => {
    const converted = dynamically(buildTransformer());
    const { module, report } = lower(converted, { strict: true });
    const linears = report.nodes.filter(({ target }) => target === 'aten.linear.default');
    expect(linears.map(({ step }) => step).sort()).toEqual([
      ...Array(4).fill('onednn.qlinear_pointwise.binary_tensor'),
      ...Array(8).fill('onednn.qlinear_pointwise.tensor'),
    ]);
    expect(calls(module)).not.toContain('aten.gelu.default');
    const x = goldenTensor('transformer_static/eval_in');
    using model = compile(module, { threadsPerStream: 1 });
    const output = Object.values(await model.run(x))[0] as Tensor;
    const expected = goldenTensor('transformer_dynamic/eval_out_qdq_first4096').toArray();
    // Every layer is within 1e-6 of PyTorch's, which now and then rounds to the neighbouring integer; eight quantized
    // layers on top of each other spread these steps (0.01 to 0.03) over many outputs, weighted by less than 0.1 each.
    const differences = expected.map((value, i) => Math.abs(value - output.toArray()[i]));
    expect(Math.max(...differences)).toBeLessThan(0.02);
    expect(differences.reduce((a, b) => a + b) / differences.length).toBeLessThan(0.002);
  });

  it('convolutions stay in float, and the report says why', async () => {
    const converted = dynamically(await captureModel('tiny_cnn'));
    const { module, report } = lower(converted);
    expect(calls(module).filter((target) => target.startsWith('onednn.'))).toEqual([
      'onednn.qlinear_pointwise.tensor',
    ]);
    expect(report.refusals.map(({ node }) => node)).toEqual(['conv2d', 'conv2d_1', 'conv2d_2']);
    expect(report.refusals[0].reason).toMatch(/at run time/);
    const x = goldenTensor('tiny_cnn/eval_in');
    const output = new Interpreter(module, operators).run([x])[0];
    // The same integers: only the order of float32 additions differs.
    expect(greatestDifference(output, interpret(converted, x)[0])).toBeLessThan(1e-5);
  });
});
