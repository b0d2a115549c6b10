import {
  gelu,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  pointwiseFunctions,
  relu,
  relu6,
  reluOfAnyForm,
  silu,
  tanh,
} from './functions.ts';
import type { BackendKernels, BackendOperator, KernelDTypes, KernelPattern } from './kernels.ts';
import {
  adaptiveAvgPool2d,
  arithmeticOperators,
  averages,
  avgPool2d,
  batchNorm,
  cat,
  conv1d,
  conv2d,
  conv3d,
  dataMovement,
  embedding,
  flatten,
  gru,
  layerNorm,
  linear,
  lstm,
  matmul,
  maxPool2d,
  mul,
  softmax,
} from './x86-operators.ts';

/** Products of 8-bit integers, accumulated in 32 bits; weights have one scale per channel. */
export const integerProducts = {
  inputs: ['uint8', 'int8'],
  weight: 'int8',
  bias: 'float32',
  outputs: ['uint8', 'int8', 'float32'],
} as const satisfies KernelDTypes;
const floatProducts: KernelDTypes = {
  inputs: ['float32'],
  weight: 'float32',
  bias: 'float32',
  outputs: ['float32'],
};
const integers: KernelDTypes = { inputs: ['uint8', 'int8'], outputs: ['uint8', 'int8'] };
const integersOrFloats: KernelDTypes = {
  inputs: ['uint8', 'int8', 'float32'],
  outputs: ['uint8', 'int8', 'float32'],
};
/** Functions that Octavo's own loops apply to an operator's result. */
const loopFunctions = [relu, relu6, hardtanh, leakyRelu, hardswish, hardsigmoid];

/** What torchao's X86InductorQuantizer annotates, in its order. */
const annotatedLayers: readonly KernelPattern[] = [
  { operator: conv2d, addition: true as const, functions: [relu] },
  { operator: conv2d, addition: true as const },
  { operator: conv2d, functions: [relu, hardtanh, hardswish, relu6, silu] },
  { operator: conv2d },
  { operator: linear, addition: true as const, functions: [relu] },
  { operator: linear, addition: true as const },
  { operator: linear, functions: [relu, leakyRelu, tanh, gelu] },
  { operator: linear },
  // The convolution alone is not quantized, so ReLU counts in any form. torchao's recipe requires `nn.ReLU` or
  // `F.relu`.
  { operator: conv1d, functions: [reluOfAnyForm] },
].map((pattern) => ({
  ...pattern,
  dtypes: integerProducts,
  qparams: 'own',
  computedBy: `onednn.q${pattern.operator.name}_pointwise.${pattern.addition ? 'binary' : 'default'}`,
  annotated: 'by default',
}));

/**
 * Quantizing these pays only between operators that run on integers. The recipe annotates these out of all that could
 * run.
 */
const annotatedPassThrough: readonly BackendOperator[] = [
  maxPool2d,
  cat,
  avgPool2d,
  adaptiveAvgPool2d,
  flatten,
];
const passThrough: readonly KernelPattern[] = [
  ...annotatedPassThrough,
  ...[...averages, ...dataMovement].filter((operator) => !annotatedPassThrough.includes(operator)),
].map((operator) => ({
  operator,
  dtypes: integers,
  qparams: "input's",
  computedBy: '',
  annotated: annotatedPassThrough.includes(operator) ? 'by default' : 'never',
}));

/** Quantized by parameters chosen at run time, the states of each step for themselves. */
const recurrent: readonly KernelPattern[] = [lstm, gru].map((operator) => ({
  operator,
  dtypes: { inputs: ['uint8'], weight: 'int8', bias: 'float32', outputs: ['float32'] },
  qparams: 'own',
  computedBy: operator.operators[0].replace(/default$/, 'dynamic'),
  annotated: 'on request',
}));

/** Fused wherever a graph contains them, although the quantizer does not search for them. */
const fusedOnly: readonly KernelPattern[] = [
  { operator: conv2d, functions: pointwiseFunctions, computedBy: 'onednn.qconv2d_pointwise.default' },
  {
    operator: conv2d,
    addition: true as const,
    functions: pointwiseFunctions,
    computedBy: 'onednn.qconv2d_pointwise.binary',
  },
  { operator: conv1d, functions: pointwiseFunctions, computedBy: 'onednn.qconv1d_pointwise.default' },
  { operator: linear, functions: pointwiseFunctions, computedBy: 'onednn.qlinear_pointwise.default' },
  {
    operator: linear,
    addition: true as const,
    functions: pointwiseFunctions,
    computedBy: 'onednn.qlinear_pointwise.binary',
  },
  // Parameters chosen at run time from each input: dynamic quantization.
  { operator: linear, functions: pointwiseFunctions, computedBy: 'onednn.qlinear_pointwise.tensor' },
  {
    operator: linear,
    addition: true as const,
    functions: pointwiseFunctions,
    computedBy: 'onednn.qlinear_pointwise.binary_tensor',
  },
].map((pattern) => ({ ...pattern, dtypes: integerProducts, qparams: 'own', annotated: 'never' }));

const loops: readonly KernelPattern[] = [
  ...arithmeticOperators.map((operator) => ({ operator, computedBy: 'octavo.binary.default' })),
  { operator: batchNorm, computedBy: 'octavo.batch_norm.default' },
].map((pattern) => ({
  ...pattern,
  functions: loopFunctions,
  dtypes: integersOrFloats,
  qparams: 'own',
  annotated: pattern.operator === mul ? 'by default' : 'never',
}));

/** Computed in float32, row by row, for any dtypes of input and output. */
const rows: readonly KernelPattern[] = [
  { operator: softmax, computedBy: 'octavo.softmax.default' },
  { operator: layerNorm, computedBy: 'octavo.layer_norm.default' },
].map((pattern) => ({ ...pattern, dtypes: integersOrFloats, qparams: 'own', annotated: 'never' }));

/** Parameters are stored in fewer bits; everything else stays in floating point. */
const narrowWeights: readonly KernelPattern[] = [
  {
    operator: linear,
    functions: pointwiseFunctions,
    dtypes: { ...floatProducts, weight: 'int8' as const },
    computedBy: 'octavo.weight_only_linear.default',
  },
  {
    operator: linear,
    dtypes: { ...floatProducts, weight: 'float16' as const },
    computedBy: 'onednn.linear_dynamic_fp16.default',
  },
  {
    operator: linear,
    functions: [relu],
    dtypes: { ...floatProducts, weight: 'float16' as const },
    computedBy: 'onednn.linear_relu_dynamic_fp16.default',
  },
  {
    operator: embedding,
    dtypes: { inputs: ['int64', 'int32'] as const, weight: 'uint8' as const, outputs: ['float32'] as const },
    computedBy: 'octavo.embedding_byte.default',
  },
].map((pattern) => ({ ...pattern, qparams: 'own', annotated: 'never' }));

/** Operators that stay in floating point. */
const floats: readonly KernelPattern[] = [
  { operator: conv1d, functions: pointwiseFunctions, computedBy: 'mkldnn._convolution_pointwise.default' },
  { operator: conv2d, functions: pointwiseFunctions, computedBy: 'mkldnn._convolution_pointwise.default' },
  { operator: conv3d, functions: pointwiseFunctions, computedBy: 'mkldnn._convolution_pointwise.default' },
  ...[conv2d, conv3d].map((operator) => ({
    operator,
    addition: true as const,
    functions: pointwiseFunctions,
    computedBy: 'mkldnn._convolution_pointwise.binary',
  })),
  { operator: linear, functions: pointwiseFunctions, computedBy: 'mkldnn._linear_pointwise.default' },
  { operator: linear, addition: true as const, computedBy: 'mkldnn._linear_pointwise.binary' },
].map((pattern) => ({ ...pattern, dtypes: floatProducts, qparams: 'own', annotated: 'never' }));

/** What oneDNN and Octavo's own kernels compute on x86 servers. `X86Quantizer` and `lower` both follow it. */
export const x86Backend: BackendKernels = {
  name: 'x86',
  patterns: [
    ...annotatedLayers,
    ...passThrough,
    {
      operator: matmul,
      dtypes: { inputs: ['uint8', 'int8'], outputs: ['uint8', 'int8', 'float32'] },
      qparams: 'own',
      computedBy: 'octavo.matmul.default',
      annotated: 'on request',
    },
    ...recurrent,
    ...fusedOnly,
    ...loops,
    ...rows,
    ...narrowWeights,
    ...floats,
  ],
};

/** The functions, by their names in fused operators, that a lowered operator can apply to its result. */
export function functionsFusedInto(backend: BackendKernels, operator: string): readonly string[] {
  const functions = backend.patterns
    .filter(({ computedBy }) => computedBy === operator)
    .flatMap((pattern) => pattern.functions ?? []);
  return [...new Set(functions.map(({ fusedAs }) => fusedAs))];
}
