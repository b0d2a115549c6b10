import type { NodeFacts } from './facts.ts';

/** `relu` of `aten.relu_.default`: nothing is in place in a graph. */
export const shortTarget = (target: string): string => (target.split('.').at(-2) ?? target).replace(/_$/, '');

/** What a node computes, in the words of the captured model: `conv2d + relu`. */
export function kindOf({ kind, operators, target }: NodeFacts): string {
  if (kind !== 'operator') return kind;
  return operators.map((each) => shortTarget(each.target)).join(' + ') || shortTarget(target);
}

/** What people call a node: the path of its module, else its first operator's name in the captured model, else what it does to what it reads. */
export function titleOf({ kind, target, modulePath, operators, name, inputs }: NodeFacts): string {
  if (kind !== 'operator') return target;
  // Quantization put these into the graph: `quantize x`, not `quantize_per_tensor_default`.
  const [, inserted] = /^quantized_decomposed\.((?:de)?quantize)_/.exec(target) ?? [];
  return modulePath || operators[0]?.name || (inserted ? [inserted, ...inputs].join(' ') : name);
}
