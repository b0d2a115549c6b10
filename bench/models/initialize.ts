import { BatchNorm2d, Conv2d, init, Linear, type Module } from '../../lib/nn/index.ts';

/** How a network draws its initial weights; what is left out stays as the modules made it. */
export interface Initializers {
  readonly convWeight?: (shape: readonly number[]) => ReturnType<typeof init.normal>;
  readonly linearWeight?: (shape: readonly number[]) => ReturnType<typeof init.normal>;
  /** Whether biases of convolutions begin at 0. */
  readonly zeroConvBias?: boolean;
  readonly zeroLinearBias?: boolean;
}

/** Draws all weights anew, module by module in order, as torchvision's constructors do at their end. */
export function initialize(model: Module, how: Initializers): void {
  const zeros = (shape: readonly number[]) => init.constant(shape, 0);
  for (const [, module] of model.namedModules()) {
    if (module instanceof Conv2d) {
      if (how.convWeight) module.weight.tensor = how.convWeight(module.weight.tensor.shape);
      if (how.zeroConvBias && module.bias) module.bias.tensor = zeros(module.bias.tensor.shape);
    } else if (module instanceof Linear) {
      if (how.linearWeight) module.weight.tensor = how.linearWeight(module.weight.tensor.shape);
      if (how.zeroLinearBias && module.bias) module.bias.tensor = zeros(module.bias.tensor.shape);
    } else if (module instanceof BatchNorm2d) {
      module.weight.tensor = init.constant(module.weight.tensor.shape, 1);
      module.bias.tensor = zeros(module.bias.tensor.shape);
    }
  }
}

/** `kaiming_normal_` by the number of outputs: what most of torchvision's networks begin with. */
export const kaimingFanOut = (shape: readonly number[]) => init.kaimingNormal(shape, 'out');
/** A narrow normal distribution, for classifiers. */
export const narrowNormal = (shape: readonly number[]) => init.normal(shape, 0, 0.01);
