import type { Node } from '../../graph/index.ts';
import { add, sumOver } from './arithmetic.ts';
import { all, type Movement, moved, placed } from './moved.ts';
import type { GradientBuilder, GradientRule, GradientRules } from './rule.ts';

type Mode = 'constant' | 'reflect' | 'replicate' | 'circular';

/** One padded axis: its extent before, and the amounts; negative ones cut away. */
interface Axis {
  readonly axis: number;
  readonly extent: number;
  readonly before: number;
  readonly after: number;
}

/** What the elements before or after the tensor give back to those that they are copies of. */
function returned(g: GradientBuilder, part: Node, mode: Mode, place: Axis, isBefore: boolean): Node {
  const { axis, extent } = place;
  const count = isBefore ? place.before : place.after;
  const rest = extent - count;
  if (mode === 'replicate') {
    const total = sumOver(g, part, [axis], true);
    return isBefore ? placed(g, total, axis, 0, extent - 1) : placed(g, total, axis, extent - 1, 0);
  }
  if (mode === 'circular') return isBefore ? placed(g, part, axis, rest, 0) : placed(g, part, axis, 0, rest);
  const mirrored = g.call('aten.flip.default', part, [axis]);
  return isBefore ? placed(g, mirrored, axis, 1, rest - 1) : placed(g, mirrored, axis, rest - 1, 1);
}

/** The gradient before an axis was padded: of the tensor itself, and of what it was padded with. */
function unpadded(g: GradientBuilder, grad: Node, mode: Mode, place: Axis): Node {
  const { axis, extent, before, after } = place;
  const length = extent + before + after;
  const cut = (start: number, end: number) =>
    start === 0 && end === length ? grad : g.call('aten.slice.Tensor', grad, axis, start, end);
  const middle = cut(Math.max(before, 0), length - Math.max(after, 0));
  let sum = placed(g, middle, axis, Math.max(-before, 0), Math.max(-after, 0));
  if (mode === 'constant') return sum;
  if (before > 0) sum = add(g, sum, returned(g, cut(0, before), mode, place, true));
  if (after > 0) sum = add(g, sum, returned(g, cut(length - after, length), mode, place, false));
  return sum;
}

/** `pad` lists the amounts before and after, last extent first. */
const padding = (amounts: string, modeOf: (call: Movement) => string): GradientRule =>
  moved((call, g) => {
    const shape = g.shape(call.self);
    const pad = call.args.numbers(amounts);
    const mode = modeOf(call) as Mode;
    return shape.reduce((grad, extent, axis) => {
      const at = 2 * (shape.length - 1 - axis);
      const [before, after] = [pad[at] ?? 0, pad[at + 1] ?? 0];
      return before === 0 && after === 0 ? grad : unpadded(g, grad, mode, { axis, extent, before, after });
    }, call.grad);
  });

const spatial = (name: string) => [1, 2, 3].map((axes) => `${name}_pad${axes}d`);

/** Gradients of padding: what was padded is added to what it was copied from, what was cut off is zero. */
export const paddingGradients: GradientRules = {
  ...all(
    ['constant_pad_nd'],
    padding('pad', () => 'constant'),
  ),
  ...all(
    ['pad'],
    padding('pad', ({ args }) => args.string('mode')),
  ),
  ...all(
    ['_pad_circular'],
    padding('pad', () => 'circular'),
  ),
  ...all(
    spatial('reflection'),
    padding('padding', () => 'reflect'),
  ),
  ...all(
    spatial('replication'),
    padding('padding', () => 'replicate'),
  ),
};
