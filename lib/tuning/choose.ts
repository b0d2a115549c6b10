import type { KernelDecision, LayerDecision, PartsDecision, ThreadsDecision } from '../runtime/index.ts';
import { median } from '../statistics.ts';
import { isFaster, type PairedTimes } from './paired-times.ts';

/**
 * Times a plan with some layers in floating point against one with other layers in floating point, in milliseconds.
 * @param current names of the layers that are in floating point in the current plan.
 * @param challenger the same with one layer more.
 */
export type LayerRace = (current: readonly string[], challenger: readonly string[]) => PairedTimes;

/**
 * Tries each layer in floating point, and keeps it there if it is significantly faster. Otherwise it stays int8, so
 * repeated runs on a noisy machine choose the same plan.
 */
export function chooseLayers(layers: readonly string[], race: LayerRace): LayerDecision[] {
  const inFloat: string[] = [];
  return layers.map((node) => {
    const challenger = [...inFloat, node];
    const paired = race(inFloat.slice(), challenger);
    const faster = isFaster(paired);
    if (faster) inFloat.push(node);
    const times = { int8: median(paired.current), float: median(paired.challenger) };
    return { node, choice: faster ? 'float' : 'int8', times };
  });
}

/** Times a plan with one number of threads or parts against the same plan with another. */
export type CountRace = (current: number, challenger: number) => PairedTimes;

/** Returns the number that no other significantly beats, beginning with `estimate`. */
export function chooseCount(
  estimate: number,
  others: readonly number[],
  race: CountRace,
): Omit<ThreadsDecision | PartsDecision, 'shapes'> {
  let choice = estimate;
  const times: Record<string, number> = {};
  for (const challenger of others) {
    const paired = race(choice, challenger);
    times[choice] ??= median(paired.current);
    times[challenger] = median(paired.challenger);
    if (isFaster(paired)) choice = challenger;
  }
  return { choice, times };
}

/** Times of a step with two implementations. */
export interface KernelTimes {
  readonly node: string;
  /** The current implementation's name, and the challenger's. */
  readonly names: readonly [string, string];
  readonly paired: PairedTimes;
}

/**
 * Times every step of a plan that has another implementation against the same step with that implementation.
 * @param current the decisions so far.
 */
export type KernelRace = (current: readonly KernelDecision[], candidate: string) => readonly KernelTimes[];

/**
 * Lets each candidate challenge the current winner, step by step.
 * @param where the input shapes and the instruction set that the decisions apply to.
 */
export function chooseKernels(
  where: Pick<KernelDecision, 'shapes' | 'isa'>,
  candidates: readonly string[],
  race: KernelRace,
): readonly KernelDecision[] {
  const decisions = new Map<string, KernelDecision>();
  for (const candidate of candidates)
    for (const { node, names, paired } of race([...decisions.values()], candidate)) {
      const [current, choice] = names;
      if (choice === current || !isFaster(paired)) continue;
      const times = { ...decisions.get(node)?.times };
      times[current] ??= median(paired.current);
      times[choice] = median(paired.challenger);
      decisions.set(node, { ...where, node, choice, times });
    }
  return [...decisions.values()];
}
