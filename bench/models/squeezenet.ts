import * as nn from '../../lib/nn/index.ts';
import { initialize } from './initialize.ts';

const F = nn.functional;

class Fire extends nn.Module {
  readonly squeeze: nn.Conv2d;
  readonly squeeze_activation = new nn.ReLU({ inplace: true });
  readonly expand1x1: nn.Conv2d;
  readonly expand1x1_activation = new nn.ReLU({ inplace: true });
  readonly expand3x3: nn.Conv2d;
  readonly expand3x3_activation = new nn.ReLU({ inplace: true });

  constructor(inputs: number, squeezed: number, expanded: number) {
    super();
    this.squeeze = new nn.Conv2d(inputs, squeezed, 1);
    this.expand1x1 = new nn.Conv2d(squeezed, expanded, 1);
    this.expand3x3 = new nn.Conv2d(squeezed, expanded, 3, { padding: 1 });
  }

  override forward(input: nn.Value): nn.Value {
    const x = this.squeeze_activation.call(this.squeeze.call(input));
    const small = this.expand1x1_activation.call(this.expand1x1.call(x));
    const wide = this.expand3x3_activation.call(this.expand3x3.call(x));
    return F.cat([small, wide], 1);
  }
}

class SqueezeNet extends nn.Module {
  readonly features: nn.Sequential;
  readonly classifier: nn.Sequential;

  constructor() {
    super();
    const pool = () => new nn.MaxPool2d(3, { stride: 2, ceilMode: true });
    this.features = new nn.Sequential(
      new nn.Conv2d(3, 64, 3, { stride: 2 }),
      new nn.ReLU({ inplace: true }),
      pool(),
      new Fire(64, 16, 64),
      new Fire(128, 16, 64),
      pool(),
      new Fire(128, 32, 128),
      new Fire(256, 32, 128),
      pool(),
      new Fire(256, 48, 192),
      new Fire(384, 48, 192),
      new Fire(384, 64, 256),
      new Fire(512, 64, 256),
    );
    const last = new nn.Conv2d(512, 1000, 1);
    const relu = new nn.ReLU({ inplace: true });
    this.classifier = new nn.Sequential(new nn.Dropout(), last, relu, new nn.AdaptiveAvgPool2d([1, 1]));
    initialize(this, {
      // The last convolution is the classifier, and drawn like one.
      convWeight: (shape) =>
        shape[0] === 1000 ? nn.init.normal(shape, 0, 0.01) : nn.init.kaimingUniform(shape),
      zeroConvBias: true,
    });
  }

  override forward(x: nn.Value): nn.Value {
    return F.flatten(this.classifier.call(this.features.call(x)), 1);
  }
}

/** SqueezeNet 1.1. */
export const squeezenet = () => new SqueezeNet();
