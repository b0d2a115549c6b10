import { BatchNorm2d, type BatchNormOptions, Conv2d, type Module, Sequential } from '../../lib/nn/index.ts';

/** Options of {@link convNormActivation}. */
export interface ConvNormOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly norm?: BatchNormOptions;
  /** Null for none. */
  readonly activation: (new (options: { readonly inplace: boolean }) => Module) | null;
}

/** Convolution, batch norm and an in-place activation (torchvision's `Conv2dNormActivation`). */
export function convNormActivation(inputs: number, outputs: number, options: ConvNormOptions): Sequential {
  const { kernel = 3, stride = 1, groups = 1, norm, activation: Activation } = options;
  return new Sequential(
    new Conv2d(inputs, outputs, kernel, { stride, padding: (kernel - 1) / 2, groups, bias: false }),
    new BatchNorm2d(outputs, norm),
    ...(Activation ? [new Activation({ inplace: true })] : []),
  );
}

/** Rounds channels to a multiple of 8 that is not more than a tenth smaller (torchvision's `_make_divisible`). */
export function makeDivisible(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
