const convolutions = [
  ...[1, 2, 3].flatMap((axes) => [`aten.conv${axes}d.default`, `aten.conv${axes}d.padding`]),
  ...['aten.conv_transpose1d.default', 'aten.conv_transpose2d.input', 'aten.conv_transpose3d.input'],
  'aten.convolution.default',
];

/**
 * ATen's products of floats, each with its factors: what autocast computes in bfloat16 (counterpart: the list of
 * `torch.autocast(device_type='cpu')`). Biases stay float32, because sums are accumulated in float32 anyway.
 */
export const autocastFactors: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(convolutions.map((target) => [target, ['input', 'weight']])),
  'aten.linear.default': ['input', 'weight'],
  'aten.matmul.default': ['self', 'other'],
  'aten.mm.default': ['self', 'mat2'],
  'aten.bmm.default': ['self', 'mat2'],
  'aten.addmm.default': ['self', 'mat1', 'mat2'],
  'aten.baddbmm.default': ['self', 'batch1', 'batch2'],
  // A mask of large negative numbers stays float32: in bfloat16 it could become infinite.
  'aten.scaled_dot_product_attention.default': ['query', 'key', 'value'],
};
