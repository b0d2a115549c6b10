import type { Node } from '../../graph/index.ts';
import { normalizeAxis } from '../shape-rules.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';

/** The call of an operator that moves elements of `self`. */
export interface Movement extends DifferentiatedCall {
  readonly self: Node;
}

/** The gradient of `self` in an operator that moves elements. */
export const moved =
  (reverse: (call: Movement, g: GradientBuilder) => Node): GradientRule =>
  (call, g) => ({ self: () => reverse({ ...call, self: call.args.tensor('self') }, g) });

/** The axis that an argument names. */
export const axisOf = ({ args }: DifferentiatedCall, g: GradientBuilder, name = 'dim'): number =>
  normalizeAxis(args.number(name), g.shape(args.tensor('self')).length, args.schema.name);

/** Zeros around a part of an axis. */
export function placed(g: GradientBuilder, part: Node, axis: number, before: number, after: number): Node {
  if (before === 0 && after === 0) return part;
  const untouched = Array<number>(2 * (g.shape(part).length - axis - 1)).fill(0);
  return g.call('aten.constant_pad_nd.default', part, [...untouched, before, after], 0);
}

/** One rule for several operators; an overload is named where it is not the default one. */
export const all = (names: readonly string[], rule: GradientRule): GradientRules =>
  Object.fromEntries(
    names.map((name) => [name.includes('.') ? `aten.${name}` : `aten.${name}.default`, rule]),
  );
