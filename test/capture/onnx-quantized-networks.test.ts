import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { loadOnnx } from '../../lib/capture/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { onnxModel } from '../support/onnx-model.ts';

/** Without VNNI, ONNX Runtime's int8 sums saturate unless it is asked for exact ones. */
const exactly = { logSeverityLevel: 3, extra: { session: { x64quantprecision: '1' } } } as const;

async function onnxRuntime(source: string | Uint8Array, x: Tensor): Promise<ArrayLike<number>> {
  const session = await InferenceSession.create(source as string, exactly);
  const feeds = { [session.inputNames[0]]: new OrtTensor('float32', x.data as Float32Array, x.shape) };
  const [result] = Object.values(await session.run(feeds));
  await session.release();
  return result.data as Float32Array;
}

describe('an image of bytes, normalized, is half a step everywhere', () => {
  const zeroPoint = Tensor.from('uint8', [128], []);
  const bytes = Array.from({ length: 256 }, (_, i) => i);

  const quantized = [{ op: 'QuantizeLinear', inputs: ['n', 's', 'z'], outputs: ['y'] }];
  /** The range of all bytes is 255 steps of `scale`, so that each of them is `byte - 127.5` steps. */
  const forms = {
    before: {
      scale: 4 / 255,
      nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['n'] }],
      values: (byte: number) => (byte / 255 - 0.5) / 0.25,
    },
    inside: {
      scale: 0.015,
      nodes: [
        { op: 'Sub', inputs: ['x', 'mean'], outputs: ['a'] },
        { op: 'Mul', inputs: ['a', 's'], outputs: ['n'] },
      ],
      values: (byte: number) => byte,
    },
  };

  for (const [where, { scale, nodes, values }] of Object.entries(forms))
    it(`and quantized as ONNX Runtime does, normalized ${where} the model`, async () => {
      const number = (value: number) => Tensor.from('float32', [Math.fround(value)], []);
      const model = onnxModel({
        opset: 13,
        inputs: { x: ['float32', [1, 256]] },
        outputs: ['y'],
        initializers: { s: number(scale), z: zeroPoint, mean: number(127.5) },
        nodes: [...nodes, ...quantized],
      });
      const x = Tensor.from('float32', bytes.map(values), [1, 256]);
      using compiled = compile(lower(await loadOnnx(model)).module);
      const { y } = await compiled.run(x);
      expect(y.toArray()).toEqual(Array.from(await onnxRuntime(model, x)));
    });
});

/**
 * Files of ONNX Runtime's quantizer for the trained networks on glyphs. Integers are the same on both sides but for numbers
 * that fall between two steps within float32's rounding: one in some ten thousand, which moves what is computed from it.
 */
describe('networks that ONNX Runtime quantized', () => {
  const files = [
    // uint8 weights with zero points: each layer is the sum of two.
    { name: 'glyph_mobilenet.qdq_pt_u8u8', layers: 18, parts: 2, mostSteps: 7 },
    { name: 'glyph_resnet.qop_pt_u8s8', layers: 12, parts: 1, mostSteps: 2 },
  ];
  const count = 200;

  for (const { name, layers, parts, mostSteps } of files)
    it(`${name} gives ONNX Runtime's classes, and no layer is in float`, async () => {
      const path = `test/fixtures/onnx/quantized/${name}.onnx`;
      const { module, report } = lower(await loadOnnx(path), { strict: true });
      expect(report.refusals).toEqual([]);
      const targets = module.graph.nodes.map(({ target }) => target);
      const onIntegers = targets.filter((target) => /onednn\.q(conv2d|linear)_pointwise/.test(target)).length;
      // The average of the image is a convolution, too.
      expect(onIntegers).toBeGreaterThan(layers * parts - parts);
      expect(targets.filter((target) => /mkldnn|aten\.(conv|linear|adaptive)/.test(target))).toEqual([]);
      const images = (await loadNpz('models/glyphs/test.npz')).get('x')!.data as Uint8Array;
      const pixels = images.subarray(0, count * 3 * 32 * 32);
      const x = new Tensor(
        'float32',
        Float32Array.from(pixels, (value) => (value / 255 - 0.5) / 0.25),
        [count, 3, 32, 32],
      );
      using model = compile(module);
      const [own] = Object.values(await model.run(x));
      const [a, b] = [own.toArray(), Array.from(await onnxRuntime(path, x))];
      const classOf = (values: readonly number[], i: number) => {
        const row = values.slice(i * 36, (i + 1) * 36);
        return row.indexOf(Math.max(...row));
      };
      const same = Array.from({ length: count }, (_, i) => classOf(a, i) === classOf(b, i));
      expect(same.filter(Boolean).length).toBeGreaterThanOrEqual(count * 0.995);
      // All results are whole steps: the smallest difference between two of them is one.
      const sorted = [...new Set(b)].sort((p, q) => p - q);
      const step = Math.min(...sorted.slice(1).map((value, i) => value - sorted[i]));
      const apart = a.map((value, i) => Math.abs(value - b[i]) / step);
      expect(Math.max(...apart)).toBeLessThan(mostSteps + 0.1);
      expect(apart.filter((steps) => steps > 2.1).length).toBeLessThan(apart.length / 100);
    });
});
