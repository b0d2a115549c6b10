import type { Node } from '../../graph/index.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule } from './rule.ts';

/** What a rule for a function of one tensor reads. */
interface Unary extends DifferentiatedCall {
  readonly x: Node;
}

/** The gradient of `self` in a function of each element. */
export const unary =
  (derivative: (call: Unary, g: GradientBuilder) => Node): GradientRule =>
  (call, g) => ({ self: () => derivative({ ...call, x: call.args.tensor('self') }, g) });
