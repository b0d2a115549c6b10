import * as nn from '../../lib/nn/index.ts';
import { convNormActivation } from './conv-norm-activation.ts';
import { initialize, kaimingFanOut, narrowNormal } from './initialize.ts';

const F = nn.functional;
const activation = nn.ReLU6;

class InvertedResidual extends nn.Module {
  readonly conv: nn.Sequential;
  readonly #residual: boolean;

  constructor(inputs: number, outputs: number, stride: number, expand: number) {
    super();
    const hidden = inputs * expand;
    this.#residual = stride === 1 && inputs === outputs;
    this.conv = new nn.Sequential(
      ...(expand === 1 ? [] : [convNormActivation(inputs, hidden, { kernel: 1, activation })]),
      convNormActivation(hidden, hidden, { stride, groups: hidden, activation }),
      new nn.Conv2d(hidden, outputs, 1, { bias: false }),
      new nn.BatchNorm2d(outputs),
    );
  }

  override forward(x: nn.Value): nn.Value {
    return this.#residual ? F.add(x, this.conv.call(x)) : this.conv.call(x);
  }
}

/** Expansion, output channels, blocks and first stride of each stage. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

class MobileNetV2 extends nn.Module {
  readonly features: nn.Sequential;
  readonly classifier: nn.Sequential;

  constructor() {
    super();
    const features: nn.Module[] = [convNormActivation(3, 32, { stride: 2, activation })];
    let channels = 32;
    for (const [expand, outputs, count, stride] of stages)
      for (let i = 0; i < count; i++) {
        features.push(new InvertedResidual(channels, outputs, i === 0 ? stride : 1, expand));
        channels = outputs;
      }
    features.push(convNormActivation(channels, 1280, { kernel: 1, activation }));
    this.features = new nn.Sequential(...features);
    this.classifier = new nn.Sequential(new nn.Dropout(0.2), new nn.Linear(1280, 1000));
    initialize(this, {
      convWeight: kaimingFanOut,
      zeroConvBias: true,
      linearWeight: narrowNormal,
      zeroLinearBias: true,
    });
  }

  override forward(x: nn.Value): nn.Value {
    return this.classifier.call(F.flatten(F.adaptiveAvgPool2d(this.features.call(x), [1, 1]), 1));
  }
}

/** MobileNetV2 of full width. */
export const mobilenetV2 = () => new MobileNetV2();
