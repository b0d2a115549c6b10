import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments, type GraphModule, Interpreter, isCall, type Node } from '../../lib/graph/index.ts';
import { convertPt2e } from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { captureModel, goldenTensor, prepareModel, quantizeModel } from '../support/pt2e-goldens.ts';

const call = (target: string, ...args: unknown[]) => {
  const operator = operators.get(target);
  return operator.execute(Arguments.bind<Tensor>(operator.schema, args, {})) as Tensor;
};
const run = (module: GraphModule, input: Tensor) =>
  new Interpreter(module, operators).run([input])[0].toArray();
const count = ({ graph }: GraphModule, ...targets: string[]) =>
  graph.nodes.filter((node) => isCall(node, ...targets)).length;

const layers = ['octavo.integer_convolution.default', 'octavo.integer_linear.dynamic'];

/** What the first layer gives in real numbers, and the name of its scales where it computes in integers. */
function firstLayer(module: GraphModule, x: Tensor): { output: Tensor; scale?: string } {
  const layer = module.graph.nodes.find((node) =>
    isCall(node, ...layers, 'aten.conv2d.default', 'aten.linear.default'),
  )!;
  const isInteger = layers.includes(layer.target);
  let real = isInteger ? layer.users[0] : layer;
  const scale = isInteger ? { scale: (real.args[1] as Node).target } : {};
  while (isCall(real.users[0], 'aten.mul.Tensor', 'aten.add.Tensor') && isInteger) [real] = real.users;
  let output: Tensor | undefined;
  new Interpreter(module, operators).run([x], (node, value) => {
    if (node === real) output = value as Tensor;
  });
  return { output: output!, ...scale };
}

describe('layers in integer arithmetic', () => {
  const problem = fc.record({
    dtype: fc.constantFrom('uint8' as const, 'int8' as const),
    zeroPoint: fc.integer({ min: -20, max: 200 }),
    groups: fc.integer({ min: 1, max: 2 }),
    size: fc.integer({ min: 4, max: 6 }),
    stride: fc.integer({ min: 1, max: 2 }),
    padding: fc.integer({ min: 0, max: 2 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    seed: fc.integer({ min: 1, max: 1000 }),
  });

  it('are the sums of products by their definition', () => {
    const property = fc.property(problem, ({ dtype, zeroPoint, groups, size, ...p }) => {
      let state = p.seed;
      const next = (low: number) => {
        state = (state * 48271) % 2147483647;
        return low + (state % 256);
      };
      const [channels, outputs] = [2 * groups, 3 * groups];
      const fill = (length: number, low: number) => Array.from({ length }, () => next(low));
      const xs = fill(2 * channels * size * size, dtype === 'uint8' ? 0 : -128);
      const ws = fill(outputs * 2 * 4, -128);
      const bias = fill(outputs, -1000);
      const x = Tensor.from(dtype, xs, [2, channels, size, size]);
      const w = Tensor.from('int8', ws, [outputs, 2, 2, 2]);
      const pairs = [p.stride, p.padding, p.dilation].map((n) => [n, n]);
      const y = call(
        'octavo.integer_convolution.default',
        x,
        zeroPoint,
        w,
        Tensor.from('int32', bias),
        ...pairs,
        groups,
      );
      const [, , height] = y.shape;
      const at = (n: number, c: number, i: number, j: number) =>
        i < 0 || j < 0 || i >= size || j >= size
          ? 0
          : xs[((n * channels + c) * size + i) * size + j] - zeroPoint;
      const expected: number[] = [];
      for (let n = 0; n < 2; n++)
        for (let o = 0; o < outputs; o++)
          for (let i = 0; i < height; i++)
            for (let j = 0; j < height; j++) {
              let sum = bias[o];
              for (let c = 0; c < 2; c++)
                for (let k = 0; k < 4; k++) {
                  const row = i * p.stride - p.padding + (k >> 1) * p.dilation;
                  const column = j * p.stride - p.padding + (k & 1) * p.dilation;
                  sum += at(n, 2 * Math.floor(o / 3) + c, row, column) * ws[(o * 2 + c) * 4 + k];
                }
              expected.push(sum);
            }
      expect(y.toArray()).toEqual(expected);
    });
    fc.assert(property, { seed: 3, numRuns: 60 });
  });

  it('stay within int32, and take matrices', () => {
    const x = Tensor.from('int16', [32767, 32767, -1, 2], [2, 2]);
    const w = Tensor.from('int16', [32767, 32767, 1, 0], [2, 2]);
    const bias = Tensor.from('int32', [2 ** 31 - 1, 7]);
    expect(call('octavo.integer_linear.default', x, 0, w, bias).toArray()).toEqual([
      2 ** 31 - 1,
      32774,
      2 ** 31 - 1,
      6,
    ]);
    expect(call('octavo.integer_linear.default', x, 1, w, null).toArray()).toEqual([
      2147287044, 32766, -32767, -2,
    ]);
    const real = Tensor.from('float32', [0, 0, 0, 0], [2, 2]);
    expect(() => call('octavo.integer_linear.default', real, 0, w, null)).toThrow(/float32/);
  });
});

describe('the reference representation', () => {
  it('of a network is integer arithmetic, and answers as the q/dq form does', async () => {
    const { prepared, converted } = await quantizeModel('tiny_cnn');
    const reference = convertPt2e(prepared, { useReferenceRepresentation: true });
    expect(count(reference, 'aten.conv2d.default', 'aten.linear.default')).toBe(0);
    expect(count(reference, 'octavo.integer_convolution.default')).toBe(3);
    expect(count(reference, 'octavo.integer_linear.default')).toBe(1);
    const x = goldenTensor('tiny_cnn/eval_in');
    const [got, expected] = [firstLayer(reference, x), firstLayer(converted, x)];
    const scale = reference.attribute(got.scale!).toArray();
    const plane = 32 * 32;
    const real = expected.output.toArray();
    got.output.toArray().forEach((value, i) => {
      // The bias is rounded to a whole product; the rest is float32's rounding of a sum of 27 products of about 1.
      const half = 0.5 * scale[Math.floor(i / plane) % scale.length];
      expect(Math.abs(value - real[i])).toBeLessThanOrEqual(half + 1e-5);
    });
    const inFloat = run(await captureModel('tiny_cnn'), x);
    const [logits, exact] = [run(reference, x), run(converted, x)];
    const rms = (errors: number[]) => Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
    // Such a bias moves single values to the next integer, which is less than what quantization itself does.
    const quantizationError = rms(exact.map((value, i) => value - inFloat[i]));
    expect(rms(logits.map((value, i) => value - exact[i]))).toBeLessThanOrEqual(0.5 * quantizationError);
  });

  it('of dynamically quantized linear layers has their sums as integers', async () => {
    const prepared = await prepareModel('transformer', { isDynamic: true });
    const reference = convertPt2e(prepared, { useReferenceRepresentation: true });
    expect(count(reference, 'octavo.integer_linear.dynamic')).toBe(12);
    expect(count(reference, 'aten.linear.default')).toBe(0);
    const x = goldenTensor('transformer_static/eval_in');
    const [got, expected] = [firstLayer(reference, x), firstLayer(convertPt2e(prepared), x)];
    const real = expected.output.toArray();
    got.output.toArray().forEach((value, i) => {
      // No rounding but float32's, of a sum of 256 products of about 0.1.
      expect(Math.abs(value - real[i])).toBeLessThanOrEqual(1e-5);
    });
  });

  it('leaves dynamically quantized convolutions as they are', async () => {
    const prepared = await prepareModel('tiny_cnn', { isDynamic: true });
    const reference = convertPt2e(prepared, { useReferenceRepresentation: true });
    expect(count(reference, 'octavo.integer_convolution.default')).toBe(0);
    expect(count(reference, 'aten.conv2d.default')).toBe(3);
  });
});
