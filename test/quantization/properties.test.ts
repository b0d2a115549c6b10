import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments, type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import {
  calibrate,
  convertPt2e,
  MinMaxObserver,
  PerChannelMinMaxObserver,
  preparePt2e,
  type QuantizedDType,
  Quantizer,
  type UniformObserverArgs,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { captureModel, goldenTensor, print, quantizeModel } from '../support/pt2e-goldens.ts';
import { buildTransformer, transformerInput } from './transformer.ts';

const run = (module: GraphModule, input: Tensor) => new Interpreter(module, operators).run([input])[0];

class NoQuantizer extends Quantizer {
  override annotate(): void {}
}

describe('prepare', () => {
  it('without annotations leaves a result as it is, bit for bit', async () => {
    // No batch norms: folding those is another arithmetic, with or without a quantizer.
    const model = buildTransformer();
    const prepared = preparePt2e(model, new NoQuantizer());
    expect(print(prepared)).toBe(print(model));
    const x = transformerInput(1);
    expect(run(prepared, x).bytes()).toEqual(run(model, x).bytes());
  });

  it('without annotations changes nothing but batch norms', async () => {
    const model = await captureModel('tiny_cnn');
    const once = preparePt2e(model, new NoQuantizer());
    const twice = preparePt2e(once, new NoQuantizer());
    expect(print(twice)).toBe(print(once));
    const x = goldenTensor('tiny_cnn/eval_in');
    expect(run(twice, x).bytes()).toEqual(run(once, x).bytes());
  });
});

describe('convert', () => {
  it('is idempotent', async () => {
    const { prepared, converted } = await quantizeModel('tiny_cnn');
    const again = convertPt2e(converted);
    expect(print(again)).toBe(print(converted));
    expect([...again.attributes]).toEqual([...converted.attributes]);
    // And leaves what it is given alone: the prepared model can be converted again, or calibrated further.
    expect(print(convertPt2e(prepared))).toBe(print(converted));
    await calibrate(prepared, [goldenTensor('tiny_cnn/calib_0')]);
  });
});

describe('quantize and dequantize', () => {
  const dtypes: readonly (readonly [QuantizedDType, number, number])[] = [
    ['uint8', 0, 255],
    ['uint8', 0, 127],
    ['int8', -128, 127],
    ['int8', -127, 127],
    ['uint16', 0, 65535],
    ['int16', -32768, 32767],
  ];
  const call = (target: string, ...args: unknown[]) => {
    const operator = operators.get(`quantized_decomposed.${target}.default`);
    return operator.execute(Arguments.bind<Tensor>(operator.schema, args, {})) as Tensor;
  };
  const value = fc.float({ min: -1000, max: 1000, noNaN: true });
  const rule = fc.record({ dtype: fc.constantFrom(...dtypes), symmetric: fc.boolean() });

  /** Half a step, and what float32 adds: values in steps are at most 2^16, each operation rounds by 2^-24 of that. */
  const halfStep = (scale: number) => scale * (0.5 + 2 ** 16 * 2 ** -24 * 4);

  it('err by at most half a step inside the observed range', () => {
    const property = fc.property(fc.array(value, { minLength: 1, maxLength: 40 }), rule, (values, chosen) => {
      const [dtype, quantMin, quantMax] = chosen.dtype;
      const args: UniformObserverArgs = {
        dtype,
        quantMin,
        quantMax,
        qscheme: chosen.symmetric ? 'per_tensor_symmetric' : 'per_tensor_affine',
      };
      const observer = new MinMaxObserver(args);
      const x = observer.forward(Tensor.from('float32', values));
      const qparams = observer.calculateQparams();
      const [scale, zeroPoint] = [qparams.scale.item(), qparams.zeroPoint.item()];
      const rest = [scale, zeroPoint, quantMin, quantMax, dtype];
      const real = call('dequantize_per_tensor', call('quantize_per_tensor', x, ...rest), ...rest).toArray();
      x.toArray().forEach((exact, i) => {
        // The ends of a range that is rounded to whole steps may lie half a step outside; a symmetric range is laid over
        // an even number of steps, and so loses half a step at one end.
        const low = scale * (quantMin - zeroPoint);
        const high = scale * (quantMax - zeroPoint);
        const inside = Math.min(Math.max(exact, low), high);
        expect(Math.abs(inside - exact)).toBeLessThanOrEqual(halfStep(scale));
        expect(Math.abs(real[i] - inside)).toBeLessThanOrEqual(halfStep(scale));
      });
    });
    fc.assert(property, { seed: 11, numRuns: 300 });
  });

  it('err by at most half a step in every row of a table with real zero points', () => {
    const table = fc.array(fc.array(value, { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    const property = fc.property(table, (rows) => {
      const observer = new PerChannelMinMaxObserver({ qscheme: 'per_channel_affine_float_qparams' });
      const x = observer.forward(new Tensor('float32', Float32Array.from(rows.flat()), [rows.length, 4]));
      const { scale, zeroPoint } = observer.calculateQparams();
      const rest = [scale, zeroPoint, 0, 0, 255, 'uint8'];
      const real = call(
        'dequantize_per_channel',
        call('quantize_per_channel', x, ...rest),
        ...rest,
      ).toArray();
      x.toArray().forEach((exact, i) => {
        // PyTorch cuts the fraction of `round(x / scale) + zero point` off: up to one step more.
        const step = scale.toArray()[Math.floor(i / 4)];
        const rounding = Math.abs(exact) * 2 ** -22;
        expect(Math.abs(real[i] - exact)).toBeLessThanOrEqual(1.5 * step * (1 + 2 ** -12) + rounding);
      });
    });
    fc.assert(property, { seed: 12, numRuns: 200 });
  });
});
