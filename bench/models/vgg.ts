import * as nn from '../../lib/nn/index.ts';
import { initialize, kaimingFanOut, narrowNormal } from './initialize.ts';

/** Output channels of each convolution; `pool` for a max-pool. */
const layers16 = [
  ...[64, 64, 'pool', 128, 128, 'pool', 256, 256, 256, 'pool'],
  ...[512, 512, 512, 'pool', 512, 512, 512, 'pool'],
] as const;

class VGG extends nn.Module {
  readonly features: nn.Sequential;
  readonly avgpool = new nn.AdaptiveAvgPool2d([7, 7]);
  readonly classifier: nn.Sequential;

  constructor(layers: readonly (number | string)[]) {
    super();
    const features: nn.Module[] = [];
    let channels = 3;
    for (const layer of layers)
      if (typeof layer === 'number') {
        features.push(new nn.Conv2d(channels, layer, 3, { padding: 1 }), new nn.ReLU({ inplace: true }));
        channels = layer;
      } else features.push(new nn.MaxPool2d(2));
    this.features = new nn.Sequential(...features);
    this.classifier = new nn.Sequential(
      new nn.Linear(512 * 7 * 7, 4096),
      new nn.ReLU({ inplace: true }),
      new nn.Dropout(),
      new nn.Linear(4096, 4096),
      new nn.ReLU({ inplace: true }),
      new nn.Dropout(),
      new nn.Linear(4096, 1000),
    );
    initialize(this, {
      convWeight: kaimingFanOut,
      zeroConvBias: true,
      linearWeight: narrowNormal,
      zeroLinearBias: true,
    });
  }

  override forward(x: nn.Value): nn.Value {
    return this.classifier.call(nn.functional.flatten(this.avgpool.call(this.features.call(x)), 1));
  }
}

/** VGG-16 without batch norm. */
export const vgg16 = () => new VGG(layers16);
