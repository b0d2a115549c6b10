import { Tensor } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { Random } from '../random.ts';
import type { Activation, Layer, NetworkProblem } from './problem.ts';

const F = nn.functional;

const apply = (x: nn.Value, activation: Activation | undefined): nn.Value =>
  activation === undefined ? x : activation === 'leakyRelu' ? F.leakyRelu(x, 0.1) : F[activation](x);

/** A layer with its weights. It reads values by their numbers. */
class Step extends nn.Module {
  readonly parts: nn.ModuleList;
  readonly #layer: Layer;

  constructor(layer: Layer) {
    super();
    this.#layer = layer;
    this.parts = new nn.ModuleList(partsOf(layer));
  }

  override forward(...values: nn.Value[]): nn.Value {
    const layer = this.#layer;
    const x = values[layer.from];
    switch (layer.layer) {
      case 'convolution':
        return apply(this.#throughParts(x), layer.activation);
      case 'maxPool2d':
      case 'avgPool2d':
        return F[layer.layer](x, layer.kernel, layer);
      case 'add':
      case 'mul':
      case 'sub':
        return apply(F[layer.layer](x, values[layer.other]), layer.activation);
      case 'cat':
        return F.cat([x, ...layer.others.map((i) => values[i])], 1);
      case 'gate': {
        const [squeeze, excite] = [...this.parts] as nn.Conv2d[];
        const middle = apply(squeeze.call(F.adaptiveAvgPool2d(x, 1)), layer.middle);
        return F.mul(x, apply(excite.call(middle), layer.gate));
      }
      case 'activation':
        return apply(x, layer.activation);
      case 'shuffle': {
        const [channels, height, width] = layer.image;
        const groups = F.view(x, [x.shape[0], 2, channels / 2, height, width]);
        return F.reshape(F.transpose(groups, 1, 2), [x.shape[0], channels, height, width]);
      }
      case 'halves': {
        const [first, second] = F.chunk(x, 2, 1);
        const halves = [apply(first, layer.activation), second];
        return F.cat(layer.swapped ? halves.toReversed() : halves, 1);
      }
      case 'pad':
        return F.pad(x, layer.amounts);
    }
  }

  #throughParts(x: nn.Value): nn.Value {
    return ([...this.parts] as (nn.Conv2d | nn.BatchNorm2d)[]).reduce((value, part) => part.call(value), x);
  }
}

function partsOf(layer: Layer): nn.Module[] {
  if (layer.layer === 'gate') {
    const middle = Math.max(1, layer.channels >> 1);
    return [new nn.Conv2d(layer.channels, middle, 1), new nn.Conv2d(middle, layer.channels, 1)];
  }
  if (layer.layer !== 'convolution') return [];
  const convolution = new nn.Conv2d(layer.channels, layer.outputs, layer.kernel, layer);
  return layer.batchNorm ? [convolution, new nn.BatchNorm2d(layer.outputs)] : [convolution];
}

/** The network of a problem. */
export class Network extends nn.Module {
  readonly steps: nn.ModuleList;
  readonly classifier: nn.Linear;
  readonly #head: NetworkProblem['head'];

  constructor({ seed, layers, head }: NetworkProblem) {
    super();
    nn.manualSeed(seed);
    this.steps = new nn.ModuleList(layers.map((layer) => new Step(layer)));
    this.classifier = new nn.Linear(head.features, 10);
    this.#head = head;
    drawStatistics(this, new Random(~seed));
  }

  override forward(x: nn.Value): nn.Value | readonly nn.Value[] {
    const { average, extra } = this.#head;
    const values = [x];
    for (const step of this.steps) values.push((step as Step).call(...values));
    const last = values[values.length - 1];
    const result = this.classifier.call(F.flatten(average ? F.adaptiveAvgPool2d(last, 1) : last, 1));
    return extra === undefined ? result : [result, values[extra]];
  }
}

/** Means and variances as if the network had been trained. */
function drawStatistics(network: nn.Module, random: Random): void {
  const draw = (shape: readonly number[], low: number, high: number) =>
    Tensor.from(
      'float32',
      Array.from({ length: shape[0] }, () => random.uniform(low, high)),
      shape,
    );
  for (const [, module] of network.namedModules())
    if (module instanceof nn.BatchNorm2d) {
      const { shape } = module.running_mean.tensor;
      module.running_mean.tensor = draw(shape, -0.5, 0.5);
      module.running_var.tensor = draw(shape, 0.5, 1.5);
    }
}
