import * as nn from '../../lib/nn/index.ts';
import { convNormActivation, makeDivisible } from './conv-norm-activation.ts';
import { initialize, kaimingFanOut, narrowNormal } from './initialize.ts';
import { SqueezeExcitation } from './squeeze-excitation.ts';

const F = nn.functional;
const norm = { eps: 0.001, momentum: 0.01 };

/** Input channels, kernel, expanded channels, output channels, whether squeeze-excitation, activation, stride. */
type BlockSettings = readonly [number, number, number, number, boolean, 'relu' | 'hardswish', number];

class InvertedResidual extends nn.Module {
  readonly block: nn.Sequential;
  readonly #residual: boolean;

  constructor([inputs, kernel, expanded, outputs, squeeze, activationName, stride]: BlockSettings) {
    super();
    const activation = activationName === 'relu' ? nn.ReLU : nn.Hardswish;
    this.#residual = stride === 1 && inputs === outputs;
    const layers: nn.Module[] = [];
    if (expanded !== inputs)
      layers.push(convNormActivation(inputs, expanded, { kernel: 1, norm, activation }));
    layers.push(
      convNormActivation(expanded, expanded, { kernel, stride, groups: expanded, norm, activation }),
    );
    if (squeeze) {
      const squeezed = makeDivisible(Math.floor(expanded / 4));
      layers.push(new SqueezeExcitation(expanded, squeezed, new nn.ReLU(), new nn.Hardsigmoid()));
    }
    layers.push(convNormActivation(expanded, outputs, { kernel: 1, norm, activation: null }));
    this.block = new nn.Sequential(...layers);
  }

  override forward(x: nn.Value): nn.Value {
    const y = this.block.call(x);
    return this.#residual ? F.add(y, x, { inplace: true }) : y;
  }
}

const large: readonly BlockSettings[] = [
  [16, 3, 16, 16, false, 'relu', 1],
  [16, 3, 64, 24, false, 'relu', 2],
  [24, 3, 72, 24, false, 'relu', 1],
  [24, 5, 72, 40, true, 'relu', 2],
  [40, 5, 120, 40, true, 'relu', 1],
  [40, 5, 120, 40, true, 'relu', 1],
  [40, 3, 240, 80, false, 'hardswish', 2],
  [80, 3, 200, 80, false, 'hardswish', 1],
  [80, 3, 184, 80, false, 'hardswish', 1],
  [80, 3, 184, 80, false, 'hardswish', 1],
  [80, 3, 480, 112, true, 'hardswish', 1],
  [112, 3, 672, 112, true, 'hardswish', 1],
  [112, 5, 672, 160, true, 'hardswish', 2],
  [160, 5, 960, 160, true, 'hardswish', 1],
  [160, 5, 960, 160, true, 'hardswish', 1],
];
const small: readonly BlockSettings[] = [
  [16, 3, 16, 16, true, 'relu', 2],
  [16, 3, 72, 24, false, 'relu', 2],
  [24, 3, 88, 24, false, 'relu', 1],
  [24, 5, 96, 40, true, 'hardswish', 2],
  [40, 5, 240, 40, true, 'hardswish', 1],
  [40, 5, 240, 40, true, 'hardswish', 1],
  [40, 5, 120, 48, true, 'hardswish', 1],
  [48, 5, 144, 48, true, 'hardswish', 1],
  [48, 5, 288, 96, true, 'hardswish', 2],
  [96, 5, 576, 96, true, 'hardswish', 1],
  [96, 5, 576, 96, true, 'hardswish', 1],
];

class MobileNetV3 extends nn.Module {
  readonly features: nn.Sequential;
  readonly avgpool = new nn.AdaptiveAvgPool2d(1);
  readonly classifier: nn.Sequential;

  constructor(blocks: readonly BlockSettings[], lastChannels: number) {
    super();
    const activation = nn.Hardswish;
    const inputs = blocks[blocks.length - 1][3];
    this.features = new nn.Sequential(
      convNormActivation(3, 16, { stride: 2, norm, activation }),
      ...blocks.map((settings) => new InvertedResidual(settings)),
      convNormActivation(inputs, 6 * inputs, { kernel: 1, norm, activation }),
    );
    this.classifier = new nn.Sequential(
      new nn.Linear(6 * inputs, lastChannels),
      new nn.Hardswish({ inplace: true }),
      new nn.Dropout(0.2, { inplace: true }),
      new nn.Linear(lastChannels, 1000),
    );
    initialize(this, {
      convWeight: kaimingFanOut,
      zeroConvBias: true,
      linearWeight: narrowNormal,
      zeroLinearBias: true,
    });
  }

  override forward(x: nn.Value): nn.Value {
    return this.classifier.call(F.flatten(this.avgpool.call(this.features.call(x)), 1));
  }
}

/** MobileNetV3, large. */
export const mobilenetV3Large = () => new MobileNetV3(large, 1280);
/** MobileNetV3, small. */
export const mobilenetV3Small = () => new MobileNetV3(small, 1024);
