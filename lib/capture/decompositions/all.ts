import {
  type Arguments,
  GET_ITEM,
  type Node,
  operatorName,
  parseSchema,
  type Schema,
} from '../../graph/index.ts';
import { attentionDecompositions } from './attention.ts';
import { convolutionDecompositions } from './convolution.ts';
import { creationDecompositions } from './creation.ts';
import { type Add, type Call, type DecompositionDefinition, rankOf } from './decomposition.ts';
import { distanceDecompositions } from './distances.ts';
import { einsumDecompositions } from './einsum.ts';
import { maskDecompositions } from './masks.ts';
import { movementDecompositions } from './movement.ts';
import { normalizationDecompositions } from './normalization.ts';
import { pixelDecompositions } from './pixels.ts';
import { poolingDecompositions } from './pooling.ts';
import { productDecompositions } from './products.ts';
import { recurrentDecompositions } from './recurrent.ts';

/** An operator that is replaced with calls of others (counterpart: `torch._decomp`). */
export interface Decomposition {
  readonly schema: Schema;
  readonly definition: DecompositionDefinition;
}

/** There is a slope per channel; channels are the second axis. */
function prelu(add: Add, args: Arguments<Node>): Call {
  const [self, slope] = [args.tensor('self'), args.tensor('weight')];
  const rank = rankOf(self, 'aten.prelu.default');
  const ofChannels = rank > 2 ? add('aten.view.default', slope, [-1, ...Array(rank - 2).fill(1)]) : slope;
  const negative = add('aten.clamp_max.default', self, 0);
  return ['aten.add.Tensor', add('aten.relu.default', self), add('aten.mul.Tensor', negative, ofChannels)];
}

/** Half of the channels opens gates for the other half. */
function glu(add: Add, args: Arguments<Node>): Call {
  const halves = add('aten.chunk.default', args.tensor('self'), 2, args.number('dim'));
  const [values, gates] = [0, 1].map((i) => add(GET_ITEM, halves, i));
  return ['aten.mul.Tensor', values, add('aten.sigmoid.default', gates)];
}

function batchNorm(_: unknown, args: Arguments<Node>): Call {
  const tensors = ['weight', 'bias', 'running_mean', 'running_var'].map((name) => args.optionalTensor(name));
  return [
    'aten.batch_norm.default',
    ...[args.tensor('input'), ...tensors, false, args.number('momentum'), args.number('eps'), true],
  ];
}

const definitions: readonly DecompositionDefinition[] = [
  { schema: 'aten::prelu(Tensor self, Tensor weight) -> Tensor', decompose: prelu },
  { schema: 'aten::glu(Tensor self, int dim=-1) -> Tensor', decompose: glu },
  {
    // The other results, statistics, are empty.
    schema:
      'aten::_native_batch_norm_legit_no_training(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean, Tensor running_var, float momentum, float eps) -> (Tensor, Tensor, Tensor)',
    decompose: batchNorm,
  },
  ...attentionDecompositions,
  ...convolutionDecompositions,
  ...creationDecompositions,
  ...distanceDecompositions,
  ...einsumDecompositions,
  ...movementDecompositions,
  ...maskDecompositions,
  ...pixelDecompositions,
  ...normalizationDecompositions,
  ...poolingDecompositions,
  ...productDecompositions,
  ...recurrentDecompositions,
];

/** By the operator's name. The first one that applies to a call is taken. */
export const decompositions: ReadonlyMap<string, readonly Decomposition[]> = byName(definitions);

/** Whether readers put other operators in the place of at least some calls of this one. */
export const isDecomposed = (target: string): boolean => decompositions.has(target);

function byName(all: readonly DecompositionDefinition[]): ReadonlyMap<string, readonly Decomposition[]> {
  const found = new Map<string, Decomposition[]>();
  for (const definition of all) {
    const name = operatorName(definition.schema);
    const one = { schema: parseSchema(definition.schema), definition };
    found.set(name, [...(found.get(name) ?? []), one]);
  }
  return found;
}
