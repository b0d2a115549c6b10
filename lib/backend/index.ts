export {
  BackendConfig,
  type BackendPattern,
  BackendPatternConfig,
  ObservationType,
} from './config/backend-config.ts';
export {
  DTypeConfig,
  type DTypeConfigArgs,
  type DTypeConstraints,
  DTypeWithConstraints,
} from './config/dtype-config.ts';
export { getFbgemmBackendConfig, getNativeBackendConfig, getX86BackendConfig } from './config/native.ts';
export { canonicalType, keyOfType, keysOf, type ModuleClass, type ObjectType } from './config/object-type.ts';
export { pointwiseFunctions } from './functions.ts';
export type {
  BackendKernels,
  BackendOperator,
  KernelDTypes,
  KernelPattern,
  PointwiseFunction,
} from './kernels.ts';
export { functionsFusedInto, integerProducts, x86Backend } from './x86-backend.ts';
export {
  add,
  arithmeticOperators,
  averages,
  batchNorm,
  cat,
  conv1d,
  conv2d,
  conv3d,
  convolutionOperators,
  convTranspose,
  dataMovement,
  embedding,
  flatten,
  gru,
  layerNorm,
  linear,
  lstm,
  matmul,
  mul,
  softmax,
} from './x86-operators.ts';
