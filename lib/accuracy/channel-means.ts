import { checkSignal } from '../abort.ts';
import { operators } from '../aten/index.ts';
import { linear } from '../backend/index.ts';
import {
  type GraphModule,
  inputsOf,
  isCall,
  type ModelInputs,
  type Node,
  propagateShapes,
  type TensorMeta,
} from '../graph/index.ts';
import { compile } from '../runtime/index.ts';

/**
 * The mean of each channel of layers' results, over all samples of all batches, by the layers' names. A native plan averages each sample in
 * float32, and computes no more than these layers need; the averages of samples are added up in float64.
 * @param layers names of convolutions and linear layers.
 * @throws Error (rejects) that names the batch that does not fit, or the layer with a value that is not a finite number; the
 * signal's reason when it is aborted.
 */
export async function channelMeans(
  module: GraphModule,
  layers: readonly string[],
  batches: readonly ModelInputs[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Float64Array>> {
  using model = compile(averaging(module, layers));
  const sums = layers.map(() => new Float64Array(0));
  const samples = layers.map(() => 0);
  for (const [number, batch] of batches.entries()) {
    checkSignal(signal, 'channelMeans');
    const results = await model.run(batch).catch((error: Error) => {
      throw new Error(`batch ${number}: ${error.message}`, { cause: error });
    });
    for (const [i, { name }] of model.outputs.entries()) {
      const { data, shape } = results[name];
      const channels = shape.at(-1)!;
      if (sums[i].length === 0) sums[i] = new Float64Array(channels);
      (data as Float32Array).forEach((value, at) => {
        sums[i][at % channels] += value;
      });
      samples[i] += data.length / channels;
    }
  }
  return new Map(
    layers.map((layer, i) => [layer, sums[i].map((sum) => checkFinite(sum / samples[i], layer))]),
  );
}

function checkFinite(mean: number, layer: string): number {
  if (!Number.isFinite(mean)) throw new Error(`layer '${layer}' returns a value that is not a finite number`);
  return mean;
}

/** A copy that returns the layers' results averaged over all axes but the first, which counts samples, and that of channels. */
function averaging(module: GraphModule, layers: readonly string[]): GraphModule {
  const copy = module.clone();
  const metas = propagateShapes(copy, inputsOf(copy), operators);
  const nodes = new Map(copy.graph.nodes.map((node) => [node.name, node]));
  const averages = layers.map((name) => {
    const node = nodes.get(name)!;
    const axes = averagedAxes(node, (metas.get(node) as TensorMeta).shape.length);
    if (axes.length === 0) return node;
    return copy.graph.insertingBefore(copy.graph.outputNode, () =>
      copy.graph.callFunction('aten.mean.dim', [node, axes]),
    );
  });
  copy.graph.eraseNode(copy.graph.outputNode);
  copy.graph.output(averages);
  copy.graph.eliminateDeadCode();
  copy.deleteUnused();
  return copy;
}

function averagedAxes(layer: Node, rank: number): readonly number[] {
  const all = Array.from({ length: rank }, (_, axis) => axis);
  // Linear layers have their channels last, convolutions after the samples.
  return isCall(layer, ...linear.operators) ? all.slice(1, -1) : all.slice(2);
}
