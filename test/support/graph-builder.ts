import { type Argument, Graph, GraphModule, type Node, type TensorMeta } from '../../lib/graph/index.ts';
import { numelOf, Tensor } from '../../lib/tensor/index.ts';

/** A seeded generator of numbers in [0, 1) (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Values spread evenly over [low, high). */
export function uniform(shape: readonly number[], low: number, high: number, seed: number): Tensor {
  const next = random(seed);
  const values = Array.from({ length: numelOf(shape) }, () => low + (high - low) * next());
  return Tensor.from('float32', values, shape);
}

/** Writes small graphs for tests. */
export class GraphBuilder {
  readonly graph = new Graph();
  readonly module = new GraphModule(this.graph);
  #seed = 1;

  input(name: string, shape: TensorMeta['shape'], dtype: TensorMeta['dtype'] = 'float32'): Node {
    const node = this.graph.placeholder(name);
    node.meta = { val: { dtype, shape } };
    return node;
  }

  constant(name: string, value: Tensor): Node {
    const unique = this.module.attributes.has(name) ? `${name}_${this.#seed}` : name;
    this.module.attributes.set(unique, value);
    return this.graph.getAttr(unique);
  }

  /** A float parameter of random values in [-1, 1). */
  parameter(name: string, shape: readonly number[]): Node {
    return this.constant(name, uniform(shape, -1, 1, this.#seed++));
  }

  call(target: string, ...args: readonly Argument[]): Node {
    return this.graph.callFunction(target, args);
  }

  /** Batch normalization in evaluation mode. */
  batchNorm(x: Node, channels: number): Node {
    const [weight, bias, mean] = ['weight', 'bias', 'mean'].map((name) => this.parameter(name, [channels]));
    const variance = this.constant('variance', uniform([channels], 0.5, 2, this.#seed++));
    return this.call('aten.batch_norm.default', x, weight, bias, mean, variance, false, 0.1, 1e-5, true);
  }

  quantize(x: Node, scale: number, zeroPoint: number, max = 255): Node {
    const target = 'quantized_decomposed.quantize_per_tensor.default';
    return this.call(target, x, scale, zeroPoint, 0, max, 'uint8');
  }

  dequantize(x: Node, scale: number, zeroPoint: number, max = 255): Node {
    const target = 'quantized_decomposed.dequantize_per_tensor.default';
    return this.call(target, x, scale, zeroPoint, 0, max, 'uint8');
  }

  /** Quantize, then dequantize with the same parameters, as convertPt2e writes an activation. */
  quantizeDequantize(x: Node, scale: number, zeroPoint: number, max = 255): Node {
    return this.dequantize(this.quantize(x, scale, zeroPoint, max), scale, zeroPoint, max);
  }

  /** A random int8 weight with a scale an output channel, dequantized. */
  weight(name: string, shape: readonly number[]): Node {
    const next = random(this.#seed++);
    const values = Array.from({ length: numelOf(shape) }, () => Math.floor(next() * 255) - 127);
    const scales = Array.from({ length: shape[0] }, () => 0.002 + 0.004 * next());
    return this.call(
      'quantized_decomposed.dequantize_per_channel.default',
      this.constant(name, Tensor.from('int8', values, shape)),
      this.constant(`${name}_scale`, Tensor.from('float32', scales)),
      this.constant(`${name}_zero_point`, Tensor.zeros('int64', [shape[0]])),
      0,
      -128,
      127,
      'int8',
    );
  }

  /** Ends the graph. */
  finish(...outputs: readonly Node[]): GraphModule {
    this.graph.output(outputs);
    this.graph.lint();
    return this.module;
  }
}
