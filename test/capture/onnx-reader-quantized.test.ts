import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { loadOnnx } from '../../lib/capture/index.ts';
import { tensorMeta } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { randomTensor } from '../support/onnx-model.ts';

/**
 * Files of ONNX Runtime's quantizer, with what ONNX Runtime computes for them. Both sides compute on the same integers; a
 * number that is between two steps may be rounded to either, because ONNX divides by a scale where PyTorch multiplies with
 * 1/scale. One such step of the last layer's input is less than this part of the largest result.
 */
interface QuantizedFile {
  readonly name: string;
  readonly tolerance: number;
  /** Operators of the lowered graph that compute on integers, and as many of them. */
  readonly integer: Readonly<Record<string, number>>;
}

const files: readonly QuantizedFile[] = [
  {
    name: 'bert_static.dyn_s8',
    tolerance: 1e-5,
    integer: { 'onednn.qlinear_pointwise.tensor': 11, 'onednn.qlinear_pointwise.binary_tensor': 2 },
  },
  {
    name: 'bert_static.qop_u8s8_pc',
    tolerance: 1e-5,
    integer: {
      'onednn.qlinear_pointwise.default': 13,
      'octavo.matmul.default': 4,
      'octavo.softmax.default': 2,
      'octavo.layer_norm.default': 5,
    },
  },
];

/** Words from 0 to 98, everything seen; numbers in [-1, 1) elsewhere. */
function inputFor(name: string, dtype: string, shape: readonly number[]): Tensor {
  const random = randomTensor(shape, 11);
  if (dtype !== 'int64') return random;
  const values = random.toArray().map((value) => Math.floor((value + 1) * 49));
  const whole = { ids: values, mask: values.map(() => 1) }[name] ?? values.map(() => 0);
  return Tensor.from('int64', whole, shape);
}

describe('loadOnnx reads what ONNX Runtime quantized', () => {
  for (const { name, tolerance, integer } of files)
    it(name, async () => {
      const path = `test/fixtures/onnx/quantized/${name}.onnx`;
      const captured = await loadOnnx(path);
      const inputs = Object.fromEntries(
        captured.graph.placeholders.map((node) => {
          const { dtype, shape } = tensorMeta(node)!;
          return [
            node.target,
            inputFor(
              node.target,
              dtype,
              shape.map((dim) => (typeof dim === 'number' ? dim : 2)),
            ),
          ];
        }),
      );
      const session = await InferenceSession.create(path, {
        logSeverityLevel: 3,
        // Without VNNI, ONNX Runtime's int8 sums saturate unless it is asked for exact ones.
        extra: { session: { x64quantprecision: '1' } },
      });
      const expected = await session.run(
        Object.fromEntries(
          Object.entries(inputs).map(([key, { dtype, data, shape }]) => [
            key,
            new OrtTensor(dtype as 'int64', data as BigInt64Array, shape),
          ]),
        ),
      );
      await session.release();
      const { module } = lower(captured);
      const targets = module.graph.nodes.map(({ target }) => target);
      for (const [target, count] of Object.entries(integer))
        expect({ [target]: targets.filter((each) => each === target).length }).toEqual({ [target]: count });
      using model = compile(module);
      const results = await model.run(inputs);
      for (const [key, { data, dims }] of Object.entries(expected)) {
        expect(results[key].shape).toEqual(dims);
        const [a, b] = [results[key].toArray(), Array.from(data as Float32Array)];
        const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        expect(largest).toBeGreaterThan(0);
        for (const [i, value] of a.entries())
          expect(Math.abs(value - b[i])).toBeLessThanOrEqual(tolerance * largest);
      }
    });
});
