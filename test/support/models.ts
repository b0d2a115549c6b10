import { type GraphModule, SymInt } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { GraphBuilder } from './graph-builder.ts';

const batch = new SymInt(['s0']);

/** A small convolutional network over images of 3 x 8 x 8, any batch size. */
export function convNet(): GraphModule {
  const b = new GraphBuilder();
  const x = b.input('x', [batch, 3, 8, 8]);
  const first = b.call(
    'aten.relu.default',
    b.call('aten.conv2d.default', x, b.parameter('w1', [8, 3, 3, 3]), b.parameter('b1', [8]), [1, 1], [1, 1]),
  );
  const second = b.call('aten.conv2d.default', first, b.parameter('w2', [8, 8, 3, 3]), null, [1, 1], [1, 1]);
  const pooled = b.call('aten.adaptive_avg_pool2d.default', b.call('aten.add.Tensor', second, first), [1, 1]);
  const flat = b.call('aten.flatten.using_ints', pooled, 1);
  return b.finish(b.call('aten.linear.default', flat, b.parameter('w3', [5, 8]), b.parameter('b3', [5])));
}

/** Two inputs that share their batch size, two outputs. */
export function twoInputs(): GraphModule {
  const b = new GraphBuilder();
  const [p, q] = [b.input('p', [batch, 4]), b.input('q', [batch, 4])];
  return b.finish(b.call('aten.add.Tensor', p, q), b.call('aten.sub.Tensor', p, q));
}

/** A network over [s0, 16, 64, 64]; 60 layers keep a core busy for about 10 ms an image. */
export function slowNet(layers = 60): GraphModule {
  const b = new GraphBuilder();
  let x = b.input('x', [batch, 16, 64, 64]);
  for (let i = 0; i < layers; i++) {
    const weight = b.parameter('w', [16, 16, 3, 3]);
    x = b.call('aten.tanh.default', b.call('aten.conv2d.default', x, weight, null, [1, 1], [1, 1]));
  }
  return b.finish(x);
}

/** Two outputs: one that is there at once, one after a while. Takes [s0, 16, 64, 64]. */
export function earlyAndLate(layers = 60): GraphModule {
  const b = new GraphBuilder();
  const x = b.input('x', [batch, 16, 64, 64]);
  const early = b.call('aten.relu.default', x);
  let late = x;
  for (let i = 0; i < layers; i++) {
    const weight = b.parameter('w', [16, 16, 3, 3]);
    late = b.call('aten.tanh.default', b.call('aten.conv2d.default', late, weight, null, [1, 1], [1, 1]));
  }
  return b.finish(early, late);
}

/** Convolutions of 8-bit integers over [s0, 16, 64, 64]. */
export function integerNetwork(layers: number) {
  const b = new GraphBuilder();
  let x = b.quantizeDequantize(b.input('x', [batch, 16, 64, 64]), 1 / 100, 110);
  for (let i = 0; i < layers; i++) {
    const y = b.call('aten.conv2d.default', x, b.weight('w', [16, 16, 3, 3]), null, [1, 1], [1, 1]);
    x = b.quantizeDequantize(b.call('aten.relu.default', y), 1 / 50, 0);
  }
  return lower(b.finish(x), { strict: true }).module;
}

/** Rows of a table of 8; a large product behind them makes the request worth dividing. */
export function lookups() {
  const b = new GraphBuilder();
  const x = b.input('x', [batch, 256], 'int64');
  const rows = b.call('aten.embedding.default', b.parameter('table', [8, 256]), x);
  return b.finish(b.call('aten.linear.default', rows, b.parameter('w', [256, 256]), null));
}
