import { pointwiseFunctions } from '../../backend/index.ts';
import type { Node } from '../../graph/index.ts';
import type { PassContext } from '../pass.ts';

/** A pointwise function as `onednn.*` and `mkldnn.*` operators name it. */
export interface Unary {
  readonly name: string;
  readonly scalars: readonly number[];
  /** '' if the function has only one variant. */
  readonly algorithm: string;
}

/** No function is fused. */
export const noUnary: Unary = { name: 'none', scalars: [], algorithm: '' };

/** Clamping between two bounds. */
export const clamp = (low: number, high: number): Unary => ({
  name: 'hardtanh',
  scalars: [low, high],
  algorithm: '',
});

/** Names of the functions that can be fused, by ATen operator. */
const fusedNames: ReadonlyMap<string, string> = new Map(
  pointwiseFunctions.flatMap(({ operators, fusedAs }) =>
    operators.map((target) => [target, fusedAs] as const),
  ),
);

/** The pointwise function that a call applies to its first argument; undefined if it cannot be fused. */
export function unaryOf(context: PassContext, node: Node): Unary | undefined {
  if (node.op !== 'call_function') return undefined;
  const name = fusedNames.get(node.target);
  if (name === undefined) return undefined;
  switch (node.target) {
    case 'aten.relu6.default':
      return clamp(0, 6);
    case 'aten.hardtanh.default': {
      const args = context.args(node);
      return clamp(args.number('min_val'), args.number('max_val'));
    }
    case 'aten.clamp.default':
    case 'aten.clamp_min.default': {
      const [, low, high = null] = node.args;
      if (low === 0 && high === null) return { ...noUnary, name: 'relu' };
      return typeof low === 'number' && typeof high === 'number' ? clamp(low, high) : undefined;
    }
    case 'aten.leaky_relu.default':
      return {
        name,
        scalars: [context.args(node).number('negative_slope')],
        algorithm: '',
      };
    case 'aten.gelu.default':
      return { name, scalars: [], algorithm: context.args(node).string('approximate') };
    default:
      return { ...noUnary, name };
  }
}

/**
 * One function that computes `unary` and then clamps, for any bounds; undefined if no single function computes both.
 */
export function clampAfter(unary: Unary, low: number, high: number): Unary | undefined {
  if (unary.name === 'none') return clamp(low, high);
  if (unary.name === 'relu') return clamp(Math.max(0, low), Math.max(0, high));
  if (unary.name !== 'hardtanh') return undefined;
  const cut = (bound: number) => Math.min(Math.max(bound, low), high);
  return clamp(cut(unary.scalars[0]), cut(unary.scalars[1]));
}
