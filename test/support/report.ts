import { referenceModels } from '../../bench/models/index.ts';
import { exportModel } from '../../lib/capture/index.ts';
import type { GraphModule } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { generateNumericDebugHandle } from '../../lib/numerics/index.ts';
import { convertStatic } from '../../lib/recipes/index.ts';
import { collectReport, type ReportFacts } from '../../lib/report/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { uniform } from './graph-builder.ts';

const F = nn.functional;

/** Two convolutions, the second added to the first, and a linear layer. */
class Residual extends nn.Module {
  readonly stem = new nn.Conv2d(3, 8, 3, { padding: 1 });
  readonly body = new nn.Conv2d(8, 8, 3, { padding: 1 });
  readonly head = new nn.Linear(8 * 6 * 6, 5);

  override forward(x: nn.Value): nn.Value {
    const stem = F.relu(this.stem.call(x));
    const sum = F.relu(F.add(this.body.call(stem), stem));
    return this.head.call(F.flatten(sum, 1));
  }
}

/** A float model, what becomes of it, and inputs. */
export interface Quantized {
  readonly reference: GraphModule;
  readonly model: GraphModule;
  readonly batches: readonly Tensor[];
}

/** A captured module, and what the default recipe makes of it, not lowered yet. */
export async function convertedModule(
  module: nn.Module,
  batches: readonly Tensor[],
): Promise<{ readonly reference: GraphModule; readonly converted: GraphModule }> {
  const reference = exportModel(module.eval(), { x: batches[0] });
  generateNumericDebugHandle(reference);
  return { reference, converted: await convertStatic(reference, batches) };
}

/** A module, quantized by the default recipe. */
export async function quantized(module: nn.Module, batches: readonly Tensor[]): Promise<Quantized> {
  const { reference, converted } = await convertedModule(module, batches);
  return { reference, model: lower(converted).module, batches };
}

/** A small residual network, quantized, with two batches of four images. */
export function residual(): Promise<Quantized> {
  nn.manualSeed(0);
  const batches = [1, 2].map((seed) => uniform([4, 3, 6, 6], -1, 1, seed));
  return quantized(new Residual(), batches);
}

/** The facts of the largest network that reports are tried with. */
export async function resnet50Facts(): Promise<ReportFacts> {
  nn.manualSeed(0);
  // Small images: the page has as much to show, and there is less to compute.
  const { batches, ...models } = await quantized(referenceModels.resnet50(), [
    uniform([1, 3, 64, 64], -1, 1, 1),
  ]);
  return collectReport({ ...models, batches: () => batches }, { title: 'resnet50' });
}
