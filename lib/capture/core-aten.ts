/**
 * PyTorch's Core ATen operators: the set that exported programs are made of (`torch.compiler_ir`, "Core ATen IR"). These are
 * the entries of PyTorch 2.14's `aten/src/ATen/native/native_functions.yaml` with the tag `core`, read from its dispatcher:
 * `torch.Tag.core in op.tags`. An operator with several overloads in the set has them behind the dot.
 */
const names = `
  _adaptive_avg_pool2d _adaptive_avg_pool2d_backward _adaptive_avg_pool3d _cdist_forward _embedding_bag
  _fft_c2r _fft_r2c _local_scalar_dense _log_softmax _native_batch_norm_legit.default|no_stats
  _native_batch_norm_legit_no_training _pdist_forward _softmax _to_copy abs acos acosh adaptive_avg_pool1d
  add.Scalar|Tensor addmm alias amax amin any.default|dim|dims arange.start_step argmax argmin as_strided
  asin asinh atan atan2.default|out atanh avg_pool1d avg_pool2d avg_pool2d_backward avg_pool3d
  bitwise_and.Scalar|Tensor bitwise_not bitwise_or.Scalar|Tensor bitwise_xor.Scalar|Tensor bmm cat ceil
  clamp.default|Tensor clone col2im constant_pad_nd convolution convolution_backward copy cos cosh cumsum
  diagonal div.Scalar|Scalar_mode|Tensor|Tensor_mode elu embedding embedding_dense_backward
  empty.memory_format empty_strided eq.Scalar|Tensor erf exp expand expm1 fill.Scalar flip floor
  fmod.Scalar|Tensor full full_like gather ge.Scalar|Tensor gelu grid_sampler_2d gt.Scalar|Tensor hardtanh
  index.Tensor index_put index_select isinf isnan le.Scalar|Tensor leaky_relu log log10 log1p log2
  logical_and logical_not logical_or logical_xor lt.Scalar|Tensor masked_scatter max.dim
  max_pool2d_with_indices max_pool2d_with_indices_backward max_pool3d_with_indices maximum mean.default|dim
  min.dim minimum mm mul.Scalar|Tensor native_dropout native_group_norm native_group_norm_backward
  native_layer_norm native_layer_norm_backward ne.Scalar|Tensor neg nonzero permute
  pow.Scalar|Tensor_Scalar|Tensor_Tensor prod.default|dim_int rand randn randperm reciprocal
  reflection_pad1d reflection_pad2d reflection_pad3d relu remainder.Scalar|Tensor repeat replication_pad2d
  replication_pad3d resize_ round rsqrt scalar_tensor scatter.src|value scatter_add scatter_reduce.two
  select.int select_scatter sigmoid sign sin sinh slice.Tensor slice_scatter sort split_with_sizes sqrt
  squeeze.dim|dims sub.Scalar|Tensor sum.dim_IntList sym_is_contiguous sym_numel sym_size.int
  sym_storage_offset sym_stride.int tan tanh topk trunc unsqueeze upsample_bilinear2d.vec
  upsample_nearest2d.vec var.correction|dim view where.self
`;

/** All names, as graphs have them: `aten.add.Tensor`. */
export const coreAten: readonly string[] = names
  .trim()
  .split(/\s+/)
  .flatMap((entry) => {
    const [operator, overloads = 'default'] = entry.split('.');
    return overloads.split('|').map((overload) => `aten.${operator}.${overload}`);
  });

const random = 'it is random: two requests of the same inputs would have different results';
const training = 'it computes gradients, which a served model does not have';
const dataDependent =
  'the number that it returns depends on the values of a tensor, and a plan is made for known numbers';
const complex = 'complex numbers are not supported';
const memory = 'it depends on how a tensor is stored, which a plan chooses for itself';

/** Why operators are refused, by their names without overload; not all that PyTorch has, but those that programs hold. */
const reasons: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'bernoulli',
      'multinomial',
      'normal',
      'normal_functional',
      'rand',
      'rand_like',
      'randint',
      'randint_like',
    ]
      .concat('randn', 'randn_like', 'randperm', 'uniform', 'rrelu_with_noise', 'rrelu_with_noise_functional')
      .map((name) => [name, random]),
  ),
  ...Object.fromEntries(
    ['_local_scalar_dense', 'item', 'unique', '_unique2', 'bincount'].map((name) => [name, dataDependent]),
  ),
  ...Object.fromEntries(
    [
      '_fft_c2r',
      '_fft_r2c',
      '_fft_c2c',
      'complex',
      'view_as_complex',
      'view_as_real',
      'polar',
      'stft',
      'istft',
    ].map((name) => [name, complex]),
  ),
  ...Object.fromEntries(
    ['resize_', 'sym_is_contiguous', 'sym_storage_offset', 'sym_stride'].map((name) => [name, memory]),
  ),
  _pdist_forward: 'it is not supported; torch.cdist of a tensor with itself is',
};

/** Why an operator is refused on purpose: undefined for one that Octavo has, or that nobody has looked at. */
export function refusalOf(target: string): string | undefined {
  const [namespace, name, overload] = target.split('.');
  if (namespace !== 'aten') return undefined;
  if (/_backward(_data)?$/.test(name)) return training;
  if (overload === 'out')
    return 'it writes to a tensor of its caller; exported programs hold the operator without out';
  return Object.hasOwn(reasons, name) ? reasons[name] : undefined;
}
