import type { PointwiseFunction } from './kernels.ts';

function pointwise(name: string, module: string, fusedAs = name): PointwiseFunction {
  const sources = [`torch.nn.modules.activation.${module}`];
  return { name, operators: [`aten.${name}.default`], sources, fusedAs };
}

export const relu = pointwise('relu', 'ReLU');
/** ReLU, also as `torch.relu(x)` and as `x.relu()`, which PyTorch's recipe does not recognize. */
export const reluOfAnyForm: PointwiseFunction = {
  ...relu,
  sources: [...relu.sources, 'torch.relu', 'relu', 'relu_'],
};
export const relu6 = pointwise('relu6', 'ReLU6', 'hardtanh');
export const hardtanh = pointwise('hardtanh', 'Hardtanh');
export const hardswish = pointwise('hardswish', 'Hardswish');
export const hardsigmoid = pointwise('hardsigmoid', 'Hardsigmoid');
export const silu = pointwise('silu', 'SiLU', 'swish');
export const leakyRelu = pointwise('leaky_relu', 'LeakyReLU');
export const gelu = pointwise('gelu', 'GELU');
export const tanh = pointwise('tanh', 'Tanh');
export const sigmoid = pointwise('sigmoid', 'Sigmoid');
export const clamp: PointwiseFunction = {
  name: 'clamp',
  operators: ['aten.clamp.default', 'aten.clamp_min.default'],
  sources: ['torch.clamp'],
  fusedAs: 'hardtanh',
};

/** Every function that oneDNN can apply to the result of a convolution or matrix product. */
export const pointwiseFunctions: readonly PointwiseFunction[] = [
  ...[relu, relu6, hardtanh, hardswish, hardsigmoid, silu],
  ...[leakyRelu, gelu, tanh, sigmoid, clamp],
];
