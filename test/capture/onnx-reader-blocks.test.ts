import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadOnnx } from '../../lib/capture/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { onnxModel, randomTensor, type TestModel } from '../support/onnx-model.ts';
import { build, execute } from '../support/run-plan.ts';

/** Sums of some dozen float32 products in another order. */
const tolerance = 1e-5;

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  const largest = Math.max(...expected.map(Math.abs));
  expect(largest).toBeGreaterThan(0);
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of actual.entries())
    expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(tolerance * largest);
}

/** What ONNX Runtime and Octavo compute, the latter in the interpreter and, lowered, as a plan. */
async function check(model: TestModel, x: Tensor): Promise<GraphModule> {
  const bytes = onnxModel(model);
  const session = await InferenceSession.create(bytes, {
    logSeverityLevel: 3,
    graphOptimizationLevel: 'disabled',
  });
  const { y } = await session.run({ x: new OrtTensor('float32', x.data as Float32Array, x.shape) });
  await session.release();
  const expected = Array.from(y.data as ArrayLike<number>, Number);
  const module = await loadOnnx(bytes);
  expectClose(new Interpreter(module, operators).run([x])[0].toArray().map(Number), expected);
  const lowered = lower(await loadOnnx(bytes)).module;
  expectClose(execute(build(lowered), [x])[0].toArray().map(Number), expected);
  return lowered;
}

const targets = ({ graph }: GraphModule) =>
  graph.nodes.filter(({ op }) => op === 'call_function').map(({ target }) => target);

const bytesOf = (shape: readonly number[], seed: number) =>
  Tensor.from(
    'uint8',
    randomTensor(shape, seed)
      .toArray()
      .map((value) => Math.floor((Number(value) + 1) * 128)),
    shape,
  );
const scalesOf = (shape: readonly number[], seed: number) =>
  Tensor.from(
    'float32',
    randomTensor(shape, seed)
      .toArray()
      .map((value) => (Number(value) + 2) / 64),
    shape,
  );

/** A linear layer of `outputs` rows in blocks; `zeroPoints` as ONNX Runtime packs them. */
function nBits(bits: number, inputs: number, outputs: number, block: number, zeroPoints: boolean): TestModel {
  const blocks = Math.ceil(inputs / block);
  return {
    opset: 21,
    otherOpsets: { 'com.microsoft': 1 },
    nodes: [
      {
        op: 'MatMulNBits',
        domain: 'com.microsoft',
        inputs: ['x', 'w', 's', ...(zeroPoints ? ['z'] : [])],
        outputs: ['y'],
        attributes: { K: inputs, N: outputs, bits, block_size: block },
      },
    ],
    initializers: {
      w: bytesOf([outputs, blocks, (block * bits) / 8], 1),
      s: scalesOf([outputs * blocks], 2),
      ...(zeroPoints ? { z: bytesOf([outputs * Math.ceil((blocks * bits) / 8)], 3) } : {}),
    },
    inputs: { x: ['float32', [3, inputs]] },
    outputs: ['y'],
  };
}

/**
 * A layer [64, 24] that ONNX Runtime 1.23 quantized to 4 bits (`MatMulNBitsQuantizer`, in both of its formats), and numbers that
 * are quantized to 4 bits and back, with what it computes of them, its optimizations left out: these would quantize the input.
 */
describe('files of 4 bits', () => {
  const folder = 'test/fixtures/onnx/four_bits';

  it.each(['weight_qdq', 'weight_qdq_symmetric', 'weight_nbits', 'activations_int4', 'activations_uint4'])(
    '%s',
    async (name) => {
      const [x] = (await loadNpz(`${folder}/x.npz`)).values();
      const [y] = (await loadNpz(`${folder}/${name}.npz`)).values();
      const module = await loadOnnx(`${folder}/${name}.onnx`);
      const expected = y.toArray().map(Number);
      expectClose(new Interpreter(module, operators).run([x])[0].toArray().map(Number), expected);
      expectClose(
        execute(build(lower(module).module), [x])[0]
          .toArray()
          .map(Number),
        expected,
      );
    },
  );

  it.each([
    [21, 0, 15],
    [22, -8, 7],
  ])('are the result of the type %i, which needs no zero point', async (type, least, greatest) => {
    const bytes = onnxModel({
      opset: 21,
      inputs: { x: ['float32', [5]] },
      outputs: ['y'],
      nodes: [
        { op: 'QuantizeLinear', inputs: ['x', 's'], outputs: ['q'], attributes: { output_dtype: type } },
        { op: 'DequantizeLinear', inputs: ['q', 's'], outputs: ['y'] },
      ],
      initializers: { s: Tensor.scalar('float32', 0.5) },
    });
    const x = Tensor.from('float32', [-99, -1, 0.2, 3, 99]);
    const [result] = new Interpreter(await loadOnnx(bytes), operators).run([x]);
    expect(result.toArray()).toEqual([least / 2, Math.max(-1, least / 2), 0, 3, greatest / 2]);
  });
});

describe('MatMulNBits', () => {
  it.each([
    [4, 64, 5, 16, false],
    [4, 64, 5, 16, true],
    // Blocks of an odd number, and a last one that is not whole.
    [4, 72, 6, 32, true],
    [4, 72, 6, 32, false],
    [8, 64, 5, 16, true],
    [8, 80, 4, 32, false],
  ])('%i bits, %i inputs, %i outputs, blocks of %i, zero points: %s', async (...args) => {
    await check(nBits(...args), randomTensor([3, args[1]], 7));
  });

  it.each([
    [4, false],
    [4, true],
    [8, true],
  ])(
    '%i bits in blocks of a whole row are channels of an ordinary weight, zero points: %s',
    async (bits, zeroPoints) => {
      const module = await loadOnnx(onnxModel(nBits(bits, 32, 5, 32, zeroPoints)));
      expect(targets(module)).toEqual([
        'quantized_decomposed.dequantize_per_channel.default',
        'aten.linear.default',
      ]);
      const lowered = await check(nBits(bits, 32, 5, 32, zeroPoints), randomTensor([3, 32], 7));
      if (!zeroPoints) expect(targets(lowered)).toEqual(['octavo.weight_only_linear.default']);
    },
  );

  it('refuses what is of another size, and says which', async () => {
    const model = nBits(4, 64, 5, 16, true);
    const of = (changes: Partial<TestModel>) => loadOnnx(onnxModel({ ...model, ...changes }));
    await expect(of({ initializers: { ...model.initializers, w: bytesOf([5, 4, 7], 1) } })).rejects.toThrow(
      /MatMulNBits.*the weight \(input 1\) must be 160 bytes \(uint8\), got uint8\[5, 4, 7\]/,
    );
    await expect(of({ initializers: { ...model.initializers, s: scalesOf([19], 2) } })).rejects.toThrow(
      /the scales \(input 2\) must be 20 numbers, got 19/,
    );
    const [node] = model.nodes;
    await expect(of({ nodes: [{ ...node, attributes: { ...node.attributes, bits: 2 } }] })).rejects.toThrow(
      /weights of 2 bits are not supported; 4 and 8 are/,
    );
  });
});

/** A weight [K, N] or [N, K] in blocks, dequantized in the file. */
function blocked(axis: number, block: number, zeroPoints: boolean): TestModel {
  const shape = [40, 6];
  const scales = shape.map((extent, i) => (i === axis ? Math.ceil(extent / block) : extent));
  return {
    opset: 21,
    nodes: [
      {
        op: 'DequantizeLinear',
        inputs: ['w', 's', ...(zeroPoints ? ['z'] : [])],
        outputs: ['d'],
        attributes: { axis, block_size: block },
      },
      { op: 'MatMul', inputs: ['x', 'd'], outputs: ['y'] },
    ],
    initializers: {
      w: bytesOf(shape, 1),
      s: scalesOf(scales, 2),
      ...(zeroPoints ? { z: bytesOf(scales, 3) } : {}),
    },
    inputs: { x: ['float32', [3, 40]] },
    outputs: ['y'],
  };
}

describe('QuantizeLinear and DequantizeLinear in blocks', () => {
  it.each([
    [0, 8, true],
    [0, 16, true],
    [1, 2, true],
    [1, 4, false],
    [0, 40, true],
  ])('a weight along axis %i in blocks of %i, zero points: %s', async (axis, block, zeroPoints) => {
    const lowered = await check(blocked(axis, block, zeroPoints), randomTensor([3, 40], 7));
    expect(targets(lowered)).not.toContain('aten.matmul.default');
  });

  it.each([
    [1, 4, [2, 3, 6]],
    [2, 2, [2, 5, 3]],
    [0, 1, [2, 5, 6]],
  ])('an input along axis %i in blocks of %i', async (axis, block, scales) => {
    await check(
      {
        opset: 21,
        nodes: [
          ...['QuantizeLinear', 'DequantizeLinear'].map((op, i) => ({
            op,
            inputs: [['x', 'q'][i], 's', 'z'],
            outputs: [['q', 'y'][i]],
            attributes: { axis, block_size: block },
          })),
        ],
        initializers: { s: scalesOf(scales, 2), z: bytesOf(scales, 3) },
        inputs: { x: ['float32', [2, 5, 6].map((size, i) => (i === 1 && axis === 1 ? 12 : size))] },
        outputs: ['y'],
      },
      randomTensor(axis === 1 ? [2, 12, 6] : [2, 5, 6], 7),
    );
  });

  it('refuses scales that are not one a block', async () => {
    const model = blocked(0, 8, false);
    await expect(
      loadOnnx(onnxModel({ ...model, initializers: { ...model.initializers, s: scalesOf([4, 6], 2) } })),
    ).rejects.toThrow(/blocks of 8 along axis 0 of \[40, 6\] need scales of \[5, 6\], got \[4, 6\]/);
  });
});
