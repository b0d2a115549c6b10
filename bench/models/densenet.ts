import * as nn from '../../lib/nn/index.ts';
import { initialize } from './initialize.ts';

const F = nn.functional;
const GROWTH = 32;
const BOTTLENECK = 4 * GROWTH;

class DenseLayer extends nn.Module {
  readonly norm1: nn.BatchNorm2d;
  readonly relu1 = new nn.ReLU({ inplace: true });
  readonly conv1: nn.Conv2d;
  readonly norm2 = new nn.BatchNorm2d(BOTTLENECK);
  readonly relu2 = new nn.ReLU({ inplace: true });
  readonly conv2: nn.Conv2d;

  constructor(inputs: number) {
    super();
    this.norm1 = new nn.BatchNorm2d(inputs);
    this.conv1 = new nn.Conv2d(inputs, BOTTLENECK, 1, { bias: false });
    this.conv2 = new nn.Conv2d(BOTTLENECK, GROWTH, 3, { padding: 1, bias: false });
  }

  override forward(...features: nn.Value[]): nn.Value {
    const x = this.conv1.call(this.relu1.call(this.norm1.call(F.cat(features, 1))));
    return this.conv2.call(this.relu2.call(this.norm2.call(x)));
  }
}

class DenseBlock extends nn.Module {
  readonly #layers: readonly DenseLayer[];

  constructor(inputs: number, count: number) {
    super();
    this.#layers = Array.from({ length: count }, (_, i) => new DenseLayer(inputs + i * GROWTH));
  }

  override get namedChildren(): readonly (readonly [string, DenseLayer])[] {
    return this.#layers.map((layer, i) => [`denselayer${i + 1}`, layer]);
  }

  override forward(input: nn.Value): nn.Value {
    const features = [input];
    for (const layer of this.#layers) features.push(layer.call(...features));
    return F.cat(features, 1);
  }
}

function transition(inputs: number): nn.Sequential {
  return new nn.Sequential({
    norm: new nn.BatchNorm2d(inputs),
    relu: new nn.ReLU({ inplace: true }),
    conv: new nn.Conv2d(inputs, inputs / 2, 1, { bias: false }),
    pool: new nn.AvgPool2d(2),
  });
}

class DenseNet extends nn.Module {
  readonly features: nn.Sequential;
  readonly classifier: nn.Linear;

  constructor(counts: readonly number[]) {
    super();
    const features: Record<string, nn.Module> = {
      conv0: new nn.Conv2d(3, 64, 7, { stride: 2, padding: 3, bias: false }),
      norm0: new nn.BatchNorm2d(64),
      relu0: new nn.ReLU({ inplace: true }),
      pool0: new nn.MaxPool2d(3, { stride: 2, padding: 1 }),
    };
    let channels = 64;
    for (const [i, count] of counts.entries()) {
      features[`denseblock${i + 1}`] = new DenseBlock(channels, count);
      channels += count * GROWTH;
      if (i === counts.length - 1) continue;
      features[`transition${i + 1}`] = transition(channels);
      channels /= 2;
    }
    features.norm5 = new nn.BatchNorm2d(channels);
    this.features = new nn.Sequential(features);
    this.classifier = new nn.Linear(channels, 1000);
    initialize(this, { convWeight: (shape) => nn.init.kaimingNormal(shape, 'in'), zeroLinearBias: true });
  }

  override forward(input: nn.Value): nn.Value {
    const x = F.relu(this.features.call(input), { inplace: true });
    return this.classifier.call(F.flatten(F.adaptiveAvgPool2d(x, [1, 1]), 1));
  }
}

/** DenseNet-121. */
export const densenet121 = () => new DenseNet([6, 12, 24, 16]);
