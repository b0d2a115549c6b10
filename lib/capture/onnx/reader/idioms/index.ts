import type { GraphModule } from '../../../../graph/index.ts';
import { activationIdioms } from './activation.ts';
import { attentionIdioms } from './attention.ts';
import { axisIdioms } from './axes.ts';
import { type Idiom, IdiomContext } from './context.ts';
import { integerProductIdioms } from './integer-products.ts';
import { layerIdioms } from './layers.ts';
import { normalizationIdioms } from './normalization.ts';
import { poolingIdioms } from './pooling.ts';

const idioms: readonly Idiom[] = [
  ...axisIdioms,
  ...poolingIdioms,
  ...activationIdioms,
  ...normalizationIdioms,
  ...integerProductIdioms,
  ...layerIdioms,
  ...attentionIdioms,
];

/** Finds layers that exporters spell out, and writes them as the operators that quantizers and lowering know. */
export function recognizeIdioms(module: GraphModule): void {
  const context = new IdiomContext(module);
  // Forwards, so that an idiom inside of another one has been found before.
  for (const node of module.graph.nodes)
    if (node.op === 'call_function' && node.users.length > 0)
      for (const idiom of idioms) if (idiom(context, node)) break;
}
