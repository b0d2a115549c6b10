import { describe, expect, it } from 'vitest';
import type { GraphModule, Node } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { arrayTypeOf, byteSizeOf, Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { convNet, twoInputs } from '../support/models.ts';

const onOneThread = { threadsPerStream: 1 } as const;

/** A network over [2, 8, 6, 6] that ends in what `end` adds. */
function endingIn(end: (b: GraphBuilder, x: Node) => Node): GraphModule {
  const b = new GraphBuilder();
  const module = b.finish(end(b, b.input('x', [2, 8, 6, 6])));
  return lower(module).module;
}

/** Every kind of step that may write a result: oneDNN's, our own loops, copies into row-major order. */
const ends: Record<string, (b: GraphBuilder, x: Node) => Node> = {
  'the input itself': (_, x) => x,
  relu: (b, x) => b.call('aten.relu.default', x),
  add: (b, x) => b.call('aten.add.Tensor', x, x),
  convolution: (b, x) =>
    b.call('aten.conv2d.default', x, b.parameter('w', [5, 8, 3, 3]), null, [1, 1], [1, 1]),
  'depthwise convolution': (b, x) =>
    b.call('aten.conv2d.default', x, b.parameter('w', [8, 1, 3, 3]), null, [1, 1], [1, 1], [1, 1], 8),
  // 7 bits: in 8, processors without VNNI saturate sums of two products.
  'int8 convolution': (b, x) => {
    const q = b.quantizeDequantize(x, 0.01, 64, 127);
    const y = b.call('aten.conv2d.default', q, b.weight('w', [16, 8, 3, 3]), null, [1, 1], [1, 1]);
    return b.quantizeDequantize(y, 0.1, 64, 127);
  },
  linear: (b, x) => b.call('aten.linear.default', x, b.parameter('w', [7, 6]), b.parameter('b', [7])),
  'max pooling': (b, x) => b.call('aten.max_pool2d.default', x, [2, 2], [2, 2]),
  'average pooling': (b, x) => b.call('aten.adaptive_avg_pool2d.default', x, [1, 1]),
  softmax: (b, x) => b.call('aten.softmax.int', x, -1),
  'layer norm': (b, x) =>
    b.call('aten.layer_norm.default', x, [6], b.parameter('w', [6]), b.parameter('b', [6])),
  permute: (b, x) => b.call('aten.permute.default', x, [3, 1, 0, 2]),
  cat: (b, x) => b.call('aten.cat.default', [x, b.call('aten.relu.default', x)], 1),
  mean: (b, x) => b.call('aten.mean.dim', x, [2, 3]),
  quantize: (b, x) => b.quantize(x, 0.01, 64, 127),
};

/** A tensor of `like`'s dtype and shape in the middle of other bytes, all 0xff: NaN as floats. */
function amidst(like: Tensor, buffer: (bytes: number) => ArrayBufferLike) {
  const size = byteSizeOf(like.dtype);
  // Elements are aligned, but to nothing more.
  const offset = 128 + size;
  const all = new Uint8Array(buffer(like.byteLength + 256)).fill(0xff);
  const data = new (arrayTypeOf(like.dtype))(all.buffer, offset, like.numel);
  const untouched = () =>
    all.every((byte, i) => byte === 0xff || (i >= offset && i < offset + like.byteLength));
  return { tensor: new Tensor(like.dtype, data, like.shape), untouched };
}

const memories: Record<string, (bytes: number) => ArrayBufferLike> = {
  'an ArrayBuffer': (bytes) => new ArrayBuffer(bytes),
  'a SharedArrayBuffer': (bytes) => new SharedArrayBuffer(bytes),
  "a Node Buffer's memory": (bytes) => Buffer.alloc(bytes).buffer,
};

describe('results in memory of the caller', () => {
  for (const [memory, buffer] of Object.entries(memories))
    it.each(Object.entries(ends))(`are the same after %s, in ${memory}`, async (_, end) => {
      using model = compile(endingIn(end), onOneThread);
      const x = uniform([2, 8, 6, 6], -1, 1, 3);
      const [[name, expected]] = Object.entries(model.runSync(x));
      const input = amidst(x, buffer).tensor;
      (input.data as Float32Array).set(x.data as Float32Array);
      const given = amidst(expected, buffer);
      const result = await model.run(input, { outputs: given.tensor });
      expect(result).toEqual({ [name]: given.tensor });
      expect(result[name]).toBe(given.tensor);
      // A result of several bytes an element is nowhere the pattern it held before: these are no NaNs.
      expect(given.tensor.toArray()).toEqual(expected.toArray());
      expect(given.untouched()).toBe(true);
    });

  it('may be given by name, in order, alone, and as tensors of onnxruntime-common', async () => {
    using model = compile(convNet(), onOneThread);
    const x = uniform([2, 3, 8, 8], -1, 1, 1);
    const expected = model.runSync(x).linear_default.toArray();
    const fresh = () => Tensor.zeros('float32', [2, 5]);
    const foreign = () => ({ type: 'float32', dims: [2, 5], data: new Float32Array(10) });
    for (const y of [fresh(), foreign()])
      for (const outputs of [y, [y], { linear_default: y }]) {
        (y.data as Float32Array).fill(0);
        const { linear_default: result } = await model.run(x, { outputs });
        expect(result.data).toBe(y.data);
        expect(result.toArray()).toEqual(expected);
        (y.data as Float32Array).fill(0);
        expect(model.runSync(x, { outputs }).linear_default.data).toBe(y.data);
        expect(Array.from(y.data as Float32Array)).toEqual(expected);
      }
  });

  it('can be used again for request after request', async () => {
    using model = compile(convNet(), onOneThread);
    const y = Tensor.zeros('float32', [1, 5]);
    for (let i = 0; i < 20; i++) {
      const x = uniform([1, 3, 8, 8], -1, 1, i);
      const expected = (await model.run(x)).linear_default.toArray();
      await model.run(x, { outputs: y });
      expect(y.toArray()).toEqual(expected);
    }
  });

  it('may lie side by side with other tensors in one buffer', async () => {
    using model = compile(twoInputs(), onOneThread);
    const all = new Float32Array(16).map((_, i) => i);
    const [p, q, sum, difference] = [0, 4, 8, 12].map(
      (at) => new Tensor('float32', all.subarray(at, at + 4), [1, 4]),
    );
    await model.run({ p, q }, { outputs: [sum, difference] });
    expect([...all]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 4, 6, 8, 10, -4, -4, -4, -4]);
  });
});

describe('outputs that do not fit are refused:', () => {
  const p = Tensor.zeros('float32', [2, 4]);
  const q = Tensor.zeros('float32', [2, 4]);
  const fresh = () => Tensor.zeros('float32', [2, 4]);
  const all = new Float32Array(100);
  const at = (offset: number) => new Tensor('float32', all.subarray(offset, offset + 8), [2, 4]);
  const shared = new SharedArrayBuffer(64);
  const overShared = (buffer: SharedArrayBuffer, offset: number) =>
    new Tensor('float32', new Float32Array(buffer, offset, 8), [2, 4]);
  const resizable = new (ArrayBuffer as new (n: number, o: object) => ArrayBuffer)(32, { maxByteLength: 64 });

  it.each<[string, () => unknown, RegExp]>([
    ['one for two', () => fresh(), /one tensor for each output \(add_tensor: .*\), got 1/],
    ['a missing one', () => ({ add_tensor: fresh() }), /for each output .*none for 'sub_tensor'/],
    ['an unknown one', () => ({ add_tensor: fresh(), sub_tensor: fresh(), y: fresh() }), /got 'y'/],
    ['none', () => null, /for each output .*got null/],
    ['a plain array', () => [fresh(), [1, 2]], /output 'sub_tensor': expected a Tensor/],
    [
      'another dtype',
      () => [fresh(), Tensor.zeros('int32', [2, 4])],
      /output 'sub_tensor' must be float32\[2, 4\], got int32\[2, 4\]/,
    ],
    [
      'another shape of as many elements',
      () => [fresh(), Tensor.zeros('float32', [4, 2])],
      /output 'sub_tensor' must be float32\[2, 4\], got float32\[4, 2\]/,
    ],
    [
      "another request's batch size",
      () => [fresh(), Tensor.zeros('float32', [3, 4])],
      /must be float32\[2, 4\], got float32\[3, 4\]/,
    ],
    ['one twice', () => ((y) => [y, y])(fresh()), /output 1 shares memory with output 0/],
    ['an input', () => [fresh(), p], /output 1 shares memory with input 0; every output needs memory of/],
    ['overlapping ones', () => [at(0), at(7)], /output 1 shares memory with output 0/],
    [
      'the same shared memory by two names',
      () => [overShared(shared, 0), overShared(structuredClone(shared), 28)],
      /output 1 shares memory with output 0/,
    ],
    [
      'memory that could shrink',
      () => [fresh(), new Tensor('float32', new Float32Array(resizable, 0, 8), [2, 4])],
      /output 'sub_tensor' lies in a resizable ArrayBuffer; give it one of fixed length/,
    ],
    [
      'memory that was transferred',
      () => {
        const y = fresh();
        structuredClone(y.data.buffer, { transfer: [y.data.buffer as ArrayBuffer] });
        return [y, fresh()];
      },
      /output 0 must be float32\[2, 4\] \(32 bytes\), got 0 bytes/,
    ],
  ])('%s', async (_, outputs, message) => {
    using model = compile(twoInputs(), onOneThread);
    const options = { outputs: outputs() as Tensor[] };
    await expect(model.run({ p, q }, options)).rejects.toThrow(message);
    expect(() => model.runSync({ p, q }, options)).toThrow(message);
  });

  it('inputs that could shrink, too', async () => {
    using model = compile(twoInputs(), onOneThread);
    const x = new Tensor('float32', new Float32Array(resizable, 0, 8), [2, 4]);
    await expect(model.run({ p: x, q })).rejects.toThrow("input 'p' lies in a resizable ArrayBuffer");
  });
});
