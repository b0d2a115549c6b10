import { intrinsic, type Module, qat, quantized } from '../nn/index.ts';

const classes: readonly (abstract new (...args: never) => Module)[] = [
  ...[quantized.FloatFunctional, intrinsic.FusedModule],
  ...[qat.Conv2d, qat.ConvReLU2d, qat.Linear, qat.LinearReLU, qat.LayerWithBatchNorm],
];

/** Whether a module is observed and replaced as one, whatever is inside of it. */
export function isQuantizedAsOne(module: Module): boolean {
  return classes.some((type) => module instanceof type);
}
