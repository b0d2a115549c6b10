import { describe, expect, test } from 'vitest';
import { gradientRules, stops, withoutGradient } from '../../lib/aten/gradients/index.ts';
import { operators } from '../../lib/aten/index.ts';
import { functionalName } from '../../lib/graph/index.ts';

/** Libraries of operators that models are trained without. */
const libraries: Readonly<Record<string, string>> = {
  math: 'sizes',
  mkldnn: 'fused layers, which lowering makes',
  onednn: 'quantized layers, which lowering makes',
  operator: 'sizes',
  quantized_decomposed: 'quantized tensors; training simulates them (octavo.fake_quantize)',
  torch: 'sizes',
  torchvision: 'indices of boxes',
};

/** Results that are no floats. */
const discrete: ReadonlySet<string> = new Set([
  ...['all', 'any', 'argmax', 'argmin', 'argsort', 'count_nonzero', 'nonzero', 'one_hot', 'signbit'],
  ...['eq', 'ge', 'gt', 'le', 'lt', 'ne', 'greater', 'greater_equal', 'less', 'less_equal', 'not_equal'],
  ...['isfinite', 'isinf', 'isnan', 'isneginf', 'isposinf'],
  ...['logical_and', 'logical_not', 'logical_or', 'logical_xor'],
  ...['bitwise_and', 'bitwise_left_shift', 'bitwise_not', 'bitwise_or', 'bitwise_right_shift', 'bitwise_xor'],
  ...['_int_mm', 'sym_numel', 'sym_size'],
]);

/** Octavo's own and other operators on quantized tensors and weights, which lowering makes; and choices of boxes. */
const quantized: ReadonlySet<string> = new Set([
  ...['_weight_int8pack_mm', 'batch_norm', 'binary', 'layer_norm', 'matmul', 'softmax', 'lookup'],
  ...['embedding_4bit', 'embedding_bag_4bit', 'embedding_bag_byte', 'embedding_byte'],
  ...['integer_convolution', 'integer_linear', 'qscaled_dot_product', 'quantized_average'],
  ...['weight_only_linear', 'non_max_suppression'],
]);

/** Why there is nothing to differentiate in a call of an operator; undefined if there is. */
function isNotDifferentiable(target: string): string | undefined {
  const [library, name] = target.split('.');
  const { schema } = operators.get(target);
  if (!schema.arguments.some(({ type }) => type.startsWith('Tensor'))) return 'reads no tensor';
  if (library !== 'aten' && library !== 'octavo') return libraries[library];
  if (library === 'aten' && discrete.has(name.replace(/(?<=\w)_$/, ''))) return 'no floats';
  // The scalars are chosen by a mask.
  if (target === 'aten.where.Scalar') return 'reads no float';
  if (target === 'octavo.dropout_mask.default') return 'reads no float';
  if (quantized.has(name) && (library === 'octavo' || name.startsWith('_'))) return 'quantized';
  if (target.endsWith('_layer.dynamic')) return 'quantized';
  return /_(gradient|backward)$/.test(name) ? 'a second derivative' : undefined;
}

describe('every operator', () => {
  test.each(operators.names)('%s has a gradient or a reason', (target) => {
    const name = functionalName(target);
    const answers = [
      Object.hasOwn(gradientRules, name) && 'a rule',
      stops.has(name) && 'nothing flows back',
      withoutGradient[name],
      isNotDifferentiable(name),
    ].filter((answer) => answer);
    expect(answers).toHaveLength(1);
  });

  test('rules and reasons are of operators that exist', () => {
    const named = [...Object.keys(gradientRules), ...stops, ...Object.keys(withoutGradient)];
    expect(named.filter((name) => !operators.has(name))).toEqual([]);
  });
});
