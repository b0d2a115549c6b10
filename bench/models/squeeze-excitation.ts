import * as nn from '../../lib/nn/index.ts';

/** Scales channels by what a small network makes of their means (torchvision's `SqueezeExcitation`). */
export class SqueezeExcitation extends nn.Module {
  readonly avgpool = new nn.AdaptiveAvgPool2d(1);
  readonly fc1: nn.Conv2d;
  readonly fc2: nn.Conv2d;
  readonly activation: nn.Module;
  readonly scale_activation: nn.Module;

  constructor(channels: number, squeezed: number, activation: nn.Module, scaleActivation: nn.Module) {
    super();
    this.fc1 = new nn.Conv2d(channels, squeezed, 1);
    this.fc2 = new nn.Conv2d(squeezed, channels, 1);
    this.activation = activation;
    this.scale_activation = scaleActivation;
  }

  override forward(x: nn.Value): nn.Value {
    const squeezed = this.activation.call(this.fc1.call(this.avgpool.call(x))) as nn.Value;
    return nn.functional.mul(this.scale_activation.call(this.fc2.call(squeezed)) as nn.Value, x);
  }
}
