export type {
  BackendConfig,
  BackendOperator,
  BackendPattern,
  DTypeConfig,
  PointwiseFunction,
} from './backend-config.ts';
export { pointwiseFunctions } from './functions.ts';
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
  convTranspose,
  dataMovement,
  flatten,
  gru,
  linear,
  lstm,
  matmul,
  mul,
} from './x86-operators.ts';
