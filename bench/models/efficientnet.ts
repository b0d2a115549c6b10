import * as nn from '../../lib/nn/index.ts';
import { convNormActivation } from './conv-norm-activation.ts';
import { initialize, kaimingFanOut } from './initialize.ts';
import { SqueezeExcitation } from './squeeze-excitation.ts';

const F = nn.functional;
const activation = nn.SiLU;

class MBConv extends nn.Module {
  readonly block: nn.Sequential;
  readonly #residual: boolean;

  constructor(inputs: number, outputs: number, kernel: number, stride: number, expand: number) {
    super();
    const expanded = inputs * expand;
    this.#residual = stride === 1 && inputs === outputs;
    const squeezed = Math.max(1, Math.floor(inputs / 4));
    this.block = new nn.Sequential(
      ...(expand === 1 ? [] : [convNormActivation(inputs, expanded, { kernel: 1, activation })]),
      convNormActivation(expanded, expanded, { kernel, stride, groups: expanded, activation }),
      new SqueezeExcitation(expanded, squeezed, new nn.SiLU({ inplace: true }), new nn.Sigmoid()),
      convNormActivation(expanded, outputs, { kernel: 1, activation: null }),
    );
  }

  /** Stochastic depth, which the original has here, changes nothing outside training. */
  override forward(x: nn.Value): nn.Value {
    const y = this.block.call(x);
    return this.#residual ? F.add(y, x, { inplace: true }) : y;
  }
}

/** Expansion, kernel, first stride, output channels and blocks of each stage of B0. */
const stages = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;

class EfficientNet extends nn.Module {
  readonly features: nn.Sequential;
  readonly avgpool = new nn.AdaptiveAvgPool2d(1);
  readonly classifier: nn.Sequential;

  constructor() {
    super();
    const features: nn.Module[] = [convNormActivation(3, 32, { stride: 2, activation })];
    let channels = 32;
    for (const [expand, kernel, stride, outputs, count] of stages) {
      const blocks: nn.Module[] = [];
      for (let i = 0; i < count; i++) {
        blocks.push(new MBConv(channels, outputs, kernel, i === 0 ? stride : 1, expand));
        channels = outputs;
      }
      features.push(new nn.Sequential(...blocks));
    }
    features.push(convNormActivation(channels, 4 * channels, { kernel: 1, activation }));
    this.features = new nn.Sequential(...features);
    this.classifier = new nn.Sequential(
      new nn.Dropout(0.2, { inplace: true }),
      new nn.Linear(4 * channels, 1000),
    );
    initialize(this, {
      convWeight: kaimingFanOut,
      zeroConvBias: true,
      linearWeight: ([outputs, inputs]) =>
        nn.init.uniform([outputs, inputs], -1 / Math.sqrt(outputs), 1 / Math.sqrt(outputs)),
      zeroLinearBias: true,
    });
  }

  override forward(x: nn.Value): nn.Value {
    return this.classifier.call(F.flatten(this.avgpool.call(this.features.call(x)), 1));
  }
}

/** EfficientNet-B0. */
export const efficientnetB0 = () => new EfficientNet();
