import { describe, expect, it, onTestFinished } from 'vitest';
import { cpuFeatures } from '../../lib/cpu/features.ts';
import { addon } from '../../lib/native/addon.ts';
import type {
  Attributes,
  PlanValue,
  RejectedImplementation,
  TensorDesc,
} from '../../lib/native/addon-types.ts';

/** The one step of a plan: an image, int8 weights and nothing fused. */
async function rejections(
  attributes: Attributes,
  x: TensorDesc,
  weight: readonly number[],
  y: TensorDesc,
): Promise<readonly RejectedImplementation[]> {
  const executor = new addon.Executor({ streams: 1, threadsPerStream: 1 });
  onTestFinished(() => executor.dispose());
  const elements = new Int8Array(weight.reduce((a, b) => a * b, 1)).fill(3);
  const constant = addon.createConstant('int8', weight, elements);
  const values: PlanValue[] = [
    { ...x, storage: { kind: 'input', index: 0 } },
    { dtype: 'int8', shape: weight, storage: { kind: 'constant', constant } },
    { ...y, storage: { kind: 'output', index: 0 } },
  ];
  const { steps } = await executor.compile({
    inputs: [x],
    outputs: [y],
    arenaBytes: 0,
    threads: 1,
    lanes: 1,
    values,
    steps: [{ op: 'convolution', node: 'conv', attributes, inputs: [0, 1], outputs: [2] }],
  });
  return steps[0].rejections;
}

const quantized = { xScale: 0.02, xZeroPoint: 5, weightScales: Float32Array.of(0.01) };

const channelsLast = ([n, c, h, w]: readonly [number, number, number, number]): TensorDesc => ({
  dtype: 'uint8',
  shape: [n, c, h, w],
  strides: [c * h * w, 1, w * c, c],
});

describe('why a convolution is not computed otherwise', () => {
  it('is told for each candidate before the one that was taken', async () => {
    const attributes = {
      ...quantized,
      stride: [1, 1],
      padding: [1, 1],
      dilation: [1, 1],
      outputScale: 0.05,
      inputMax: 255,
    };
    const list = await rejections(
      attributes,
      channelsLast([1, 16, 8, 8]),
      [16, 16, 3, 3],
      channelsLast([1, 16, 8, 8]),
    );
    expect(list[0]).toEqual({
      implementation: 'oneDNN in blocks of channels',
      reason: 'neither image is in blocks of channels',
    });
    for (const { implementation, reason } of list) {
      expect(implementation).not.toBe('');
      expect(reason).not.toBe('');
    }
  });

  // Behind VNNI's own kernels, which are taken, the faulty one never comes up.
  it.runIf(cpuFeatures().oneDnn.int8SumsSaturate)(
    'names the fault of a kernel of oneDNN that is passed over',
    async () => {
      const attributes = {
        ...quantized,
        stride: [1, 1],
        padding: [1, 1],
        dilation: [1, 1],
        groups: 16,
        outputScale: 0.05,
      };
      const [x, y] = [channelsLast([1, 16, 8, 8]), channelsLast([1, 16, 9, 7])];
      const list = await rejections(attributes, x, [16, 1, 2, 4], y);
      expect(list).toContainEqual({
        implementation: expect.stringMatching(/^jit_uni_int8/),
        reason: 'loses the compensation of kernels of eight places',
      });
    },
  );
});
