import {
  exportModel,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  prepareQatPt2e,
  Tensor,
  type X86QuantizationConfigOptions,
  X86Quantizer,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { type Loss, type Optimizer, Trainer } from '../../lib/training/index.ts';
import { uniform } from './graph-builder.ts';

const F = nn.functional;

/** A small network to train. */
export class Perceptron extends nn.Module {
  readonly first = new nn.Linear(4, 8);
  readonly second = new nn.Linear(8, 3);

  override forward(input: nn.Value): nn.Value {
    return this.second.call(F.relu(this.first.call(input)));
  }
}

export const targets = { labels: { dtype: 'int64', shape: [6] } } as const;
export const x = uniform([6, 4], -1, 1, 3);
export const labels = Tensor.from('int64', [0, 1, 2, 0, 1, 2]);

/** The network with the same first weights every time, and its trainer. */
export function trainerOf(optimizer: Optimizer) {
  nn.manualSeed(5);
  const model = exportModel(new Perceptron().train(), { x });
  const trainer = new Trainer(model, {
    loss: ([logits], { labels: wanted }) => F.crossEntropy(logits, wanted),
    targets,
    optimizer,
    threads: 1,
  });
  return { model, trainer };
}

/** A convolution with batch norm and a dropout: every kind of state that a step changes. */
class Small extends nn.Module {
  readonly conv = new nn.Conv2d(3, 4, 3, { padding: 1 });
  readonly bn = new nn.BatchNorm2d(4);
  readonly dropout = new nn.Dropout(0.3);
  readonly head = new nn.Linear(4, 3);

  override forward(input: nn.Value): nn.Value {
    const features = F.relu(this.bn.call(this.conv.call(input)));
    return this.head.call(this.dropout.call(F.flatten(F.adaptiveAvgPool2d(features, 1), 1)));
  }
}

export const images = uniform([6, 3, 8, 8], -1, 1, 9);
export const loss: Loss = ([logits], { labels: wanted }) => F.crossEntropy(logits, wanted);

/** The network with weights of that seed. */
export function captured(seed: number): GraphModule {
  nn.manualSeed(seed);
  return exportModel(new Small().train(), { x: images });
}

/** The same for quantization aware training. */
export function prepared(seed: number, options: X86QuantizationConfigOptions = {}): GraphModule {
  const config = getDefaultX86QuantizationConfig({ isQat: true, ...options });
  return prepareQatPt2e(captured(seed), new X86Quantizer().setGlobal(config));
}

/** Tensors as text that tells every bit. */
export const bitsOf = (tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, string> =>
  new Map([...tensors].map(([name, tensor]) => [name, Buffer.from(tensor.bytes()).toString('hex')]));
