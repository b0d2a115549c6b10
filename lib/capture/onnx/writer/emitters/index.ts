import { functionalName } from '../../../../graph/index.ts';
import type { OnnxEmitter } from '../call.ts';
import { activationEmitters } from './activation.ts';
import { arithmeticEmitters } from './arithmetic.ts';
import { attentionEmitters } from './attention.ts';
import { bitEmitters } from './bits.ts';
import { choiceEmitters } from './choice.ts';
import { comparisonEmitters } from './comparison.ts';
import { convolutionEmitters } from './convolution.ts';
import { creationEmitters } from './creation.ts';
import { dynamicQuantizationEmitters } from './dynamic-quantization.ts';
import { functionEmitters } from './functions.ts';
import { indexingEmitters } from './indexing.ts';
import { linearEmitters } from './linear.ts';
import { movementEmitters } from './movement.ts';
import { normalizationEmitters } from './normalization.ts';
import { orderingEmitters } from './ordering.ts';
import { paddingEmitters } from './padding.ts';
import { poolingEmitters } from './pooling.ts';
import { quantizationEmitters } from './quantization.ts';
import { recurrentEmitters } from './recurrent.ts';
import { reductionEmitters } from './reduction.ts';
import { resizeEmitters } from './resize.ts';
import { scatteringEmitters } from './scattering.ts';
import { shapeEmitters } from './shape.ts';
import { windowEmitters } from './windows.ts';

const emitters = new Map<string, OnnxEmitter>(
  [
    activationEmitters,
    arithmeticEmitters,
    attentionEmitters,
    bitEmitters,
    choiceEmitters,
    comparisonEmitters,
    convolutionEmitters,
    creationEmitters,
    dynamicQuantizationEmitters,
    functionEmitters,
    indexingEmitters,
    linearEmitters,
    movementEmitters,
    normalizationEmitters,
    orderingEmitters,
    paddingEmitters,
    poolingEmitters,
    quantizationEmitters,
    recurrentEmitters,
    reductionEmitters,
    resizeEmitters,
    scatteringEmitters,
    shapeEmitters,
    windowEmitters,
  ].flatMap((group) => Object.entries(group)),
);

/** Operators that PyTorch has under several names, with the same arguments. */
const otherNames: Readonly<Record<string, string>> = {
  subtract: 'sub',
  multiply: 'mul',
  divide: 'div',
  true_divide: 'div',
  not_equal: 'ne',
  less: 'lt',
  less_equal: 'le',
  greater: 'gt',
  greater_equal: 'ge',
  clip: 'clamp',
  concat: 'cat',
  concatenate: 'cat',
  fix: 'trunc',
  special_erf: 'erf',
  moveaxis: 'movedim',
  grid_sampler_2d: 'grid_sampler',
  grid_sampler_3d: 'grid_sampler',
  _unsafe_index: 'index',
  _unsafe_index_put: 'index_put',
  unsafe_chunk: 'chunk',
  unsafe_split: 'split',
  unsafe_split_with_sizes: 'split_with_sizes',
};

/**
 * How an operator is written; undefined where it is not. Operators in place (`aten.relu_.default`), and those whose result
 * is memory of its own (`aten.view_copy.default`), are written like their counterparts.
 */
export function emitterOf(target: string): OnnxEmitter | undefined {
  const functional = functionalName(target);
  const [library, name, overload] = functional.split('.');
  const other = otherNames[name] ?? name.replace(/_copy$/, '');
  return emitters.get(functional) ?? emitters.get([library, other, overload].join('.'));
}
