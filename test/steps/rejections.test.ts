import { describe, expect, it, onTestFinished } from 'vitest';
import { cpuFeatures } from '../../lib/cpu/features.ts';
import { addon } from '../../lib/native/addon.ts';
import type {
  Attributes,
  NativeConstant,
  PlanValue,
  RejectedImplementation,
  TensorDesc,
} from '../../lib/native/addon-types.ts';
import type { StepName } from '../../lib/native/step-name.ts';

/** Compiles a plan of one step and returns what was passed over for it. */
async function rejections(
  op: StepName,
  attributes: Attributes,
  inputs: readonly (TensorDesc & { readonly constant?: NativeConstant })[],
  y: TensorDesc,
): Promise<readonly RejectedImplementation[]> {
  const executor = new addon.Executor({ streams: 1, threadsPerStream: 1, cpus: 1 });
  onTestFinished(() => executor.dispose());
  const given = inputs.filter(({ constant }) => !constant);
  const values: PlanValue[] = inputs.map((input) =>
    input.constant
      ? { dtype: input.dtype, shape: input.shape, storage: { kind: 'constant', constant: input.constant } }
      : { ...input, storage: { kind: 'input', index: given.indexOf(input) } },
  );
  const { steps } = await executor.compile({
    inputs: given,
    outputs: [y],
    arenaBytes: 0,
    threads: 1,
    lanes: 1,
    values: [...values, { ...y, storage: { kind: 'output', index: 0 } }],
    steps: [{ op, node: 'step', attributes, inputs: inputs.map((_, i) => i), outputs: [inputs.length] }],
  });
  return steps[0].rejections;
}

/** The same for a convolution of an image with int8 weights and nothing fused. */
function rejectedConvolutions(
  attributes: Attributes,
  x: TensorDesc,
  weight: readonly number[],
  y: TensorDesc,
): Promise<readonly RejectedImplementation[]> {
  const elements = new Int8Array(weight.reduce((a, b) => a * b, 1)).fill(3);
  const constant = addon.createConstant('int8', weight, elements);
  return rejections('convolution', attributes, [x, { dtype: 'int8', shape: weight, constant }], y);
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
    const list = await rejectedConvolutions(
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

  // Behind the kernels of VNNI and AVX-512, which are taken, the faulty one never comes up.
  it.runIf(cpuFeatures().oneDnn.isa === 'avx2')(
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
      const list = await rejectedConvolutions(attributes, x, [16, 1, 2, 4], y);
      expect(list).toContainEqual({
        implementation: expect.stringMatching(/^jit_uni_int8/),
        reason: 'loses the compensation of kernels of eight places',
      });
    },
  );
});

describe("why pooling is not oneDNN's", () => {
  const window = { kernel: [2, 2], stride: [2, 2] };
  const image = (dtype: 'float32' | 'uint8', channels: number, extent: number): TensorDesc => ({
    ...channelsLast([1, channels, extent, extent]),
    dtype,
  });
  const pooled = (attributes: Attributes, x: TensorDesc, y: TensorDesc) =>
    rejections('pool', attributes, [x], y);

  it.each<[string, Attributes, string]>([
    ['a maximum', { ...window, algorithm: 'max' }, 'finds maxima two to six times slower, and skips NaN'],
    ['uneven windows', { algorithm: 'avg_adaptive' }, 'has no windows of different sizes'],
    [
      'a divisor',
      { ...window, algorithm: 'avg_exclude_padding', divisor: 3 },
      "has no divisor but the window's size",
    ],
    [
      'other parameters',
      { ...window, algorithm: 'avg_exclude_padding', xScale: 0.5, outputScale: 0.25 },
      'does not change scale or zero point',
    ],
    [
      'a padded zero point',
      {
        ...window,
        algorithm: 'avg_include_padding',
        padding: [1, 1],
        paddingEnd: [0, 0],
        xZeroPoint: 3,
        outputZeroPoint: 3,
      },
      'pads with the integer 0 instead of the zero point',
    ],
  ])('is told for %s', async (_, attributes, reason) => {
    expect(await pooled(attributes, image('uint8', 64, 8), image('uint8', 64, 4))).toEqual([
      { implementation: "oneDNN's pooling", reason },
    ]);
  });

  it('is not told when it is', async () => {
    const average = { ...window, algorithm: 'avg_exclude_padding' };
    expect(await pooled(average, image('float32', 64, 8), image('float32', 64, 4))).toEqual([]);
  });

  it.runIf(cpuFeatures().oneDnn.isa === 'avx2')('names the kernel that oneDNN would use', async () => {
    const average = { ...window, algorithm: 'avg_exclude_padding' };
    expect(await pooled(average, image('uint8', 16, 8), image('uint8', 16, 4))).toEqual([
      {
        implementation: 'jit_int:avx2',
        reason: 'may touch memory outside images of less than 32 channels',
      },
      { implementation: "oneDNN's pooling", reason: 'has no fast kernel for these layouts and dtypes' },
    ]);
  });
});

it.runIf(cpuFeatures().oneDnn.int8SumsSaturate)(
  'a product of integers in float32 says why it is not one in integers',
  async () => {
    const [a, b, y] = ['uint8', 'int8', 'float32'].map(
      (dtype) => ({ dtype, shape: [2, 8, 8] }) as TensorDesc,
    );
    expect(await rejections('integer_matmul', { aScale: 0.1, bScale: 0.1 }, [a, b], y)).toEqual([
      {
        implementation: "oneDNN's product of integers",
        reason: 'adds pairs of products in 16 bits on this CPU, where they saturate',
      },
    ]);
  },
);
