import type { NodeFacts } from './facts.ts';

/** `relu` of `aten.relu_.default`: nothing is in place in a graph. */
export const shortTarget = (target: string): string => (target.split('.').at(-2) ?? target).replace(/_$/, '');

/** What a node computes, in the words of the captured model: `conv2d + relu`. */
export function kindOf({ kind, operators, target }: NodeFacts): string {
  if (kind !== 'operator') return kind;
  return operators.map((each) => shortTarget(each.target)).join(' + ') || shortTarget(target);
}

/** What people call a node: the path of its module, else its first operator's name in the captured model, else its own. */
export const titleOf = ({ kind, target, modulePath, operators, name }: NodeFacts): string =>
  kind === 'operator' ? modulePath || (operators[0]?.name ?? name) : target;
