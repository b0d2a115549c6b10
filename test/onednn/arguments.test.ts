import { describe, expect, it } from 'vitest';
import {
  qconv1dPointwise,
  qconv2dPointwise,
  qconv2dPointwiseBinary,
  qconvPrepack,
  qlinearPointwise,
  qlinearPointwiseBinary,
  qlinearPrepack,
} from '../../lib/onednn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const x = Tensor.zeros('uint8', [1, 4, 6, 6]);
const kernel = Tensor.zeros('int8', [8, 4, 3, 3]);
const weight = qconvPrepack(kernel, 0.1);
const rows = Tensor.zeros('uint8', [3, 10]);
const linearWeight = qlinearPrepack(Tensor.zeros('int8', [5, 10]), 0.1);

describe('what is refused, and how', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'a float weight',
      () => qconvPrepack(Tensor.zeros('float32', [8, 4, 3, 3]), 1),
      /qconvPrepack: weight must be int8, got float32/,
    ],
    [
      'a weight of 2 dimensions',
      () => qconvPrepack(Tensor.zeros('int8', [8, 4]), 1),
      /weight must have 3 or 4/,
    ],
    [
      'a linear weight of 3',
      () => qlinearPrepack(Tensor.zeros('int8', [8, 4, 1]), 1),
      /qlinearPrepack: weight must have 2/,
    ],
    [
      'no options',
      () => qconv2dPointwise(x, weight, undefined as never),
      /qconv2dPointwise: options must be an object that holds xScale, got undefined/,
    ],
    [
      'no options of an addition',
      () => qlinearPointwiseBinary(rows, linearWeight, rows, null as never),
      /qlinearPointwiseBinary: options must be an object that holds xScale, got null/,
    ],
    [
      'a fused function by its name alone',
      () => qconv2dPointwise(x, weight, { xScale: 1, unary: 'relu' as never }),
      /unary must be an object such as \{ name: 'relu' \}, got 'relu'/,
    ],
    [
      'a shape that is no list',
      () => new Tensor('uint8', new Uint8Array(2), 2 as never),
      /shape must be an array of non-negative integers, got 2/,
    ],
    ['too few scales', () => qconvPrepack(kernel, [1, 1]), /wScale must hold 1 scale or 8.*got 2/],
    [
      'a scale of 0',
      () => qconvPrepack(kernel, [1, 1, 0, 1, 1, 1, 1, 1]),
      /wScale\[2\] must be finite and positive, got 0/,
    ],
    [
      'a scale that is NaN',
      () => qlinearPrepack(Tensor.zeros('int8', [2, 2]), Number.NaN),
      /wScale\[0\].*NaN/,
    ],
    [
      'int64 scales',
      () => qconvPrepack(kernel, Tensor.zeros('int64', [8])),
      /wScale must be float32 or float64, got int64/,
    ],
    [
      'a weight that is not packed',
      () => qconv2dPointwise(x, kernel as never, { xScale: 1 }),
      /weight must come from qconvPrepack/,
    ],
    [
      "a linear's weight",
      () => qconv2dPointwise(x, linearWeight, { xScale: 1 }),
      /weight must be a convolution's of 4 dimensions, got a linear's \[5, 10\]/,
    ],
    [
      "an image's weight for a signal",
      () => qconv1dPointwise(Tensor.zeros('uint8', [1, 4, 6]), weight, { xScale: 1 }),
      /must be a convolution's of 3/,
    ],
    [
      'a float activation',
      () => qconv2dPointwise(Tensor.zeros('float32', [1, 4, 6, 6]), weight, { xScale: 1 }),
      /qx must be uint8 or int8 \[N, C, H, W\].*got float32/,
    ],
    [
      'an empty activation',
      () => qconv2dPointwise(Tensor.zeros('uint8', [0, 4, 6, 6]), weight, { xScale: 1 }),
      /not empty/,
    ],
    [
      'a scalar for a linear',
      () => qlinearPointwise(Tensor.zeros('uint8', []), linearWeight, { xScale: 1 }),
      /qx must be/,
    ],
    [
      'other channels',
      () => qconv2dPointwise(Tensor.zeros('uint8', [1, 3, 6, 6]), weight, { xScale: 1 }),
      /needs 4 input channels, the input has 3/,
    ],
    [
      'groups that do not divide',
      () => qconv2dPointwise(x, weight, { xScale: 1, groups: 3 }),
      /groups 3 must divide/,
    ],
    [
      'groups of 0',
      () => qconv2dPointwise(x, weight, { xScale: 1, groups: 0 }),
      /groups must be a positive integer/,
    ],
    [
      'a stride of 0',
      () => qconv2dPointwise(x, weight, { xScale: 1, stride: 0 }),
      /stride must hold integers of at least 1/,
    ],
    [
      'negative padding',
      () => qconv2dPointwise(x, weight, { xScale: 1, padding: [0, -1] }),
      /padding must hold integers of at least 0/,
    ],
    [
      'a list that is too long',
      () => qconv2dPointwise(x, weight, { xScale: 1, dilation: [1, 1, 1] }),
      /dilation must be a number or a list of 2/,
    ],
    [
      'a kernel beyond the image',
      () => qconv2dPointwise(x, weight, { xScale: 1, dilation: 4 }),
      /kernel spans 9, more than the padded input's 6/,
    ],
    [
      'an xScale of 0',
      () => qconv2dPointwise(x, weight, { xScale: 0 }),
      /qconv2dPointwise.*xScale must be a finite positive float32/,
    ],
    [
      'an infinite xScale',
      () => qlinearPointwise(rows, linearWeight, { xScale: Number.POSITIVE_INFINITY }),
      /xScale must be a finite positive/,
    ],
    [
      'an xScale below float32',
      () => qlinearPointwise(rows, linearWeight, { xScale: 1e-60 }),
      /xScale must be a finite positive/,
    ],
    ['no xScale', () => qconv2dPointwise(x, weight, {} as never), /xScale must be a number, got undefined/],
    [
      'a zero point out of range',
      () => qconv2dPointwise(x, weight, { xScale: 1, xZeroPoint: 256 }),
      /xZeroPoint must lie in uint8's range 0\.\.255, got 256/,
    ],
    [
      'a fractional zero point',
      () => qconv2dPointwise(x, weight, { xScale: 1, xZeroPoint: 0.5 }),
      /'xZeroPoint' must be an integer/,
    ],
    [
      'an output zero point out of range',
      () => qconv2dPointwise(x, weight, { xScale: 1, outputZeroPoint: -1 }),
      /outputZeroPoint must lie in uint8's range/,
    ],
    [
      'a NaN output scale',
      () => qconv2dPointwise(x, weight, { xScale: 1, outputScale: Number.NaN }),
      /outputScale must be a finite positive/,
    ],
    [
      'a scale of a float output',
      () => qconv2dPointwise(x, weight, { xScale: 1, outputScale: 2, outputDtype: 'float32' }),
      /outputScale must be 1/,
    ],
    [
      'an unknown output dtype',
      () => qconv2dPointwise(x, weight, { xScale: 1, outputDtype: 'int32' as never }),
      /outputDtype must be one of/,
    ],
    [
      'a bias of another length',
      () => qconv2dPointwise(x, weight, { xScale: 1, bias: Tensor.zeros('float32', [4]) }),
      /bias must be float32\[8\]/,
    ],
    [
      'an integer bias',
      () => qlinearPointwise(rows, linearWeight, { xScale: 1, bias: Tensor.zeros('int32', [5]) }),
      /bias must be float32\[5\]/,
    ],
    [
      'an unknown function',
      () => qconv2dPointwise(x, weight, { xScale: 1, unary: { name: 'sine' } as never }),
      /fused function 'sine' is not supported/,
    ],
    [
      'bounds in the wrong order',
      () => qconv2dPointwise(x, weight, { xScale: 1, unary: { name: 'hardtanh', min: 6, max: 0 } }),
      /lower bound .* must not be above/,
    ],
    [
      'no slope',
      () => qconv2dPointwise(x, weight, { xScale: 1, unary: { name: 'leaky_relu' } as never }),
      /leaky_relu's negative slope must be a number/,
    ],
    [
      'another gelu',
      () =>
        qlinearPointwise(rows, linearWeight, {
          xScale: 1,
          unary: { name: 'gelu', approximate: 'fast' as never },
        }),
      /approximation must be 'none' or 'tanh'/,
    ],
    [
      'rows of another length',
      () => qlinearPointwise(Tensor.zeros('int8', [3, 9]), linearWeight, { xScale: 1 }),
      /qx \[3, 9\] must end in 10/,
    ],
    [
      'an addend of another shape',
      () => qconv2dPointwiseBinary(x, weight, Tensor.zeros('uint8', [1, 8, 6, 6]), { xScale: 1 }),
      /addend uint8\[1, 8, 6, 6\] must have the output's shape/,
    ],
    [
      'an integer addend',
      () => qlinearPointwiseBinary(rows, linearWeight, Tensor.zeros('int32', [3, 5]), { xScale: 1 }),
      /addend must be uint8, int8, float32 or bfloat16/,
    ],
    [
      "a float addend's zero point",
      () =>
        qlinearPointwiseBinary(rows, linearWeight, Tensor.zeros('float32', [3, 5]), {
          xScale: 1,
          otherZeroPoint: 3,
        }),
      /addZeroPoint must be 0 for float32/,
    ],
    [
      'something else than a tensor',
      () => qlinearPointwise([1, 2] as never, linearWeight, { xScale: 1 }),
      /qlinearPointwise: qx: expected a Tensor/,
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe('what is accepted', () => {
  it('tensors that look like onnxruntime-common takes them', () => {
    const like = { type: 'uint8', dims: [3, 10], data: new Uint8Array(30) };
    expect(qlinearPointwise(like, linearWeight, { xScale: 1 }).shape).toEqual([3, 5]);
  });

  it('scales as a number, a list, a TypedArray or a tensor', () => {
    const w = Tensor.zeros('int8', [2, 4]);
    for (const scales of [1, [1, 2], Float32Array.of(1, 2), Tensor.from('float64', [1, 2])])
      expect(qlinearPrepack(w, scales).shape).toEqual([2, 4]);
  });
});
