import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { runStep, seededTensor } from '../support/steps.ts';

const f32 = (...shape: number[]) => seededTensor('float32', shape);
const u8 = (...shape: number[]) => seededTensor('uint8', shape);
const one = Tensor.from('float32', [1]);

function call(target: string, args: readonly unknown[], kwargs: Record<string, unknown> = {}) {
  const operator = operators.get(target);
  return operator.execute(Arguments.bind<Tensor>(operator.schema, args, kwargs));
}

/** Wrong calls of operators, and what the message must say. */
const calls: [string, readonly unknown[], RegExp, Record<string, unknown>?][] = [
  ['aten.add.Tensor', [f32(2, 3), f32(2, 4)], /add\.Tensor.*\[2, 3\].*\[2, 4\].*broadcast/],
  ['aten.sub.Tensor', [u8(2), Tensor.from('bool', [1, 0])], /sub\.Tensor: bool cannot be subtracted/],
  [
    'octavo.batch_norm.default',
    [f32(1, 2, 2, 2), 1, 0, null, null, f32(2), f32(2), Number.NaN, 1, 0, 'uint8', 'none', [], null],
    /octavo\.batch_norm\.default: eps must be a number, got NaN/,
  ],
  ['aten.linspace.default', [0, 1, -1], /steps must be at least 0, got -1/],
  ['aten.max_pool2d.default', [f32(3, 8, 8), [2, 2]], /\[N, C, H, W\].*\[3, 8, 8\]/],
  ['aten.max_pool2d.default', [f32(1, 1, 4, 4), [3, 3], [1, 1], [2, 2]], /padding 2.*half.*3/],
  ['aten.max_pool2d.default', [f32(1, 1, 2, 2), [3, 3]], /extent of 2 is smaller/],
  ['aten.avg_pool2d.default', [f32(1, 1, 4, 4), [2, 2], [], 0, false, true, 0], /divisor_override.*zero/],
  ['aten.view.default', [f32(2, 3), [4, -1]], /\[2, 3\].*\[4, -1\]/],
  ['aten.view.default', [f32(2, 3), [-1, -1]], /only one extent may be -1/],
  ['aten.view.default', [f32(2, 3), [7]], /\[2, 3\].*\[7\]/],
  ['aten.flatten.using_ints', [f32(2, 3), 1, 0], /start_dim 1.*end_dim 0/],
  ['aten.permute.default', [f32(2, 3), [0, 0]], /permute.*does not name each/],
  ['aten.transpose.int', [f32(2, 3), 0, 2], /axis 2 is out of range/],
  ['aten.cat.default', [[f32(2, 3), f32(2, 4)], 0], /\[2, 4\] does not fit \[2, 3\]/],
  ['aten.cat.default', [[f32(2), u8(2)], 0], /float32 and uint8/],
  ['aten.cat.default', [[], 0], /at least one tensor/],
  ['aten.to.dtype', [f32(2), 'float'], /argument 'dtype' must be a dtype, got float$/],
  ['aten.select.int', [f32(2, 3), 1, 3], /index 3 is out of range/],
  ['aten.select.int', [f32(2, 3), 1, 0.5], /argument 'index' must be a whole number, got 0\.5/],
  ['aten.slice.Tensor', [f32(4), 0, 0, 4, 0], /'step' must be positive/],
  ['aten.split_with_sizes.default', [f32(4), [1, 2]], /\[1, 2\] do not make an extent of 4/],
  ['aten.expand.default', [f32(2, 3), [2, 4]], /\[2, 3\] does not expand to \[2, 4\]|do not broadcast/],
  ['aten.pad.default', [f32(2, 3), [1, 1], 'mirror'], /mode must be .*got 'mirror'/],
  ['aten.constant_pad_nd.default', [f32(2, 3), [-2, -2]], /nothing of \[2, 3\] is left/],
  ['aten.dropout.default', [f32(2), 0.5, true], /training mode.*eval\(\)/],
  ['aten.batch_norm.default', [f32(2, 3), null, null, f32(3), f32(3), true, 0.1, 1e-5, true], /eval\(\)/],
  [
    'aten.batch_norm.default',
    [f32(2, 3), null, null, null, null, false, 0.1, 1e-5, true],
    /running statistics/,
  ],
  [
    'aten.batch_norm.default',
    [f32(2, 3), null, null, f32(4), f32(3), false, 0.1, 1e-5, true],
    /running mean: float32\[3\].*float32\[4\]/,
  ],
  ['aten.layer_norm.default', [f32(2, 3), [4]], /\[4\] are not the last extents of \[2, 3\]/],
  ['aten.layer_norm.default', [f32(2, 3), [3], f32(2)], /weight must be \[3\], got \[2\]/],
  ['aten.group_norm.default', [f32(2, 3, 4), 2], /2 groups do not divide 3 channels/],
  ['aten.softmax.int', [f32(2, 3), 2], /axis 2 is out of range/],
  ['aten.clamp.default', [f32(2)], /at least one of 'min' and 'max'/],
  ['aten.gelu.default', [u8(2)], /aten\.gelu\.default: computing on uint8 .* cast to float32/],
  ['aten.div_.Tensor', [u8(2), u8(2)], /div_\.Tensor: a result of float32 .* written to a tensor of uint8/],
  ['aten.gelu.default', [f32(2)], /'none' or 'tanh', got 'fast'/, { approximate: 'fast' }],
  ['aten.mean.default', [u8(2)], /uint8.*cast to float32/],
  ['aten.amax.default', [f32(2, 0), [1]], /nothing to take an extremum of/],
  [
    'aten.embedding.default',
    [f32(4, 2), Tensor.from('int64', [1, 4])],
    /index 4 is out of range for a table of 4 rows/,
  ],
  ['aten.embedding.default', [f32(4, 2), Tensor.from('int64', [-1])], /index -1 is out of range/],
  ['aten.embedding.default', [f32(4, 2), f32(1)], /int64 or int32, got float32/],
  ['aten.scaled_dot_product_attention.default', [f32(1, 2, 3), f32(1, 4, 5), f32(1, 4, 3)], /do not fit/],
  [
    'aten.scaled_dot_product_attention.default',
    [f32(1, 2, 3), f32(1, 4, 3), f32(1, 4, 3), f32(5, 5)],
    /must broadcast to the scores.*\[5, 5\]/,
  ],
  ['aten.silu.default', [Tensor.from('int64', [1])], /int64.*float32/],
  ['quantized_decomposed.quantize_per_tensor.default', [f32(2), 0, 0, 0, 255, 'uint8'], /scale.*positive/],
  [
    'quantized_decomposed.quantize_per_tensor.default',
    [f32(2), 1, 0, 0, 256, 'uint8'],
    /quantMax 256.*uint8/,
  ],
  ['quantized_decomposed.quantize_per_tensor.default', [u8(2), 1, 0, 0, 255, 'uint8'], /float32.*got uint8/],
  [
    'quantized_decomposed.quantize_per_tensor.default',
    [f32(2), 1, 0, 0, 1, 'float32'],
    /'float32' is not a dtype to quantize to/,
  ],
  [
    'quantized_decomposed.dequantize_per_tensor.default',
    [u8(2), 1, 0, 0, 255, 'int8'],
    /must be int8.*got uint8/,
  ],
  [
    'quantized_decomposed.quantize_per_channel.default',
    [f32(2, 3), one, Tensor.from('int64', [0]), 1, -128, 127, 'int8'],
    /scales: 3 contiguous values/,
  ],
  ['quantized_decomposed.choose_qparams.tensor', [f32(0), 0, 255, 1e-5, 'uint8'], /empty/],
  [
    'quantized_decomposed.choose_qparams.tensor',
    [Tensor.from('float32', [1, NaN]), 0, 255, 1e-5, 'uint8'],
    /NaN or infinity/,
  ],
];

describe('wrong calls', () => {
  calls.forEach(([target, args, message, kwargs], i) => {
    it(`${i}: ${target} says ${message}`, () => expect(() => call(target, args, kwargs)).toThrow(message));
  });

  it('a step names itself and its operands', () => {
    const shape = [1, 2, 4, 4];
    const step = { op: 'pool', attributes: { algorithm: 'median', kernel: [2, 2], stride: [2, 2] } };
    expect(() => runStep(step, [f32(...shape)], [{ dtype: 'float32', shape: [1, 2, 2, 2] }])).toThrow(
      /pool 'tested' \(float32\[1, 2, 4, 4\]\) -> \(float32\[1, 2, 2, 2\]\): unknown pooling algorithm 'median'/,
    );
  });

  const steps: [string, Parameters<typeof runStep>[0]['attributes'], Tensor[], number[], RegExp][] = [
    [
      'pool',
      { algorithm: 'max', kernel: [2, 2], stride: [2, 2] },
      [f32(1, 2, 4, 4)],
      [1, 2, 4, 4],
      /last of 4 windows lies outside/,
    ],
    [
      'pool',
      { algorithm: 'max', kernel: [2], stride: [2, 2] },
      [f32(1, 2, 4, 4)],
      [1, 2, 2, 2],
      /need 2 entries/,
    ],
    ['concat', { axis: 0 }, [f32(2), f32(3)], [6], /make 5 along axis 0, the output has 6/],
    ['softmax', { axis: 0 }, [f32(2)], [3], /must have the input's shape/],
    ['reduce', { algorithm: 'mean', axes: [3] }, [f32(2, 3)], [2], /axis 3 is out of range/],
    ['copy', {}, [f32(2)], [3], /must have the same shape/],
    ['binary', { algorithm: 'add', unary: 'gelu' }, [f32(2), f32(2)], [2], /unary 'gelu' cannot be fused/],
    ['requantize', { xScale: 1, outputScale: 1 }, [f32(2)], [2], /between integers/],
  ];
  steps.forEach(([op, attributes, inputs, shape, message], i) => {
    it(`step ${i}: ${op} says ${message}`, () =>
      expect(() => runStep({ op, attributes }, inputs, [{ dtype: 'float32', shape }])).toThrow(message));
  });
});
