import type { GraphModule } from '../graph/index.ts';
import { compareModelOutputs, compareModelShadows } from '../numerics/index.ts';
import { jsonMeasures } from '../numerics/json-measures.ts';
import { counterparts } from './counterparts.ts';
import type { NodeFacts } from './facts.ts';
import { histogramOf, observeValues } from './histograms.ts';
import type { ReportSubject } from './subject.ts';

/** Adds what comparing both models says of each node: its errors, what the float model computes in its place, and its module. */
export async function withErrors(
  nodes: readonly NodeFacts[],
  {
    model,
    reference,
    batches,
  }: Pick<ReportSubject, 'model' | 'batches'> & { readonly reference: GraphModule },
  options: { readonly signal?: AbortSignal },
): Promise<NodeFacts[]> {
  const alone = await compareModelShadows(reference, model, batches('each layer alone'), options);
  const together = await compareModelOutputs(reference, model, batches('all layers together'), options);
  const compared = new Map([...together.values()].map((each) => [each.actualNodeName, each]));
  const counterpart = counterparts(reference, model);
  const quantized = nodes.flatMap(({ name, quantization }) => (quantization && counterpart.get(name)) ?? []);
  const observers = await observeValues(reference, new Set(quantized), batches('activations'), options);
  return nodes.map((node) => {
    const found = compared.get(node.name);
    const observer = observers.get(counterpart.get(node.name) ?? '');
    const { quantization } = node;
    return {
      ...node,
      modulePath: found?.refModulePath ?? '',
      ...(found
        ? { error: { alone: jsonMeasures(alone.get(found.handle)!), together: jsonMeasures(found) } }
        : {}),
      ...(observer && quantization ? { histogram: histogramOf(observer, quantization) } : {}),
    };
  });
}
