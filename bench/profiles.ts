import { type CompiledModel, type StepProfile, Tensor } from '../lib/index.ts';
import { median } from '../lib/statistics.ts';
import { pseudoRandom } from './pseudo-random.ts';

/** Steps that change how values are written or where they lie, and compute nothing. */
const conversions: ReadonlySet<string> = new Set([
  'copy',
  'quantize',
  'dequantize',
  'requantize',
  'quantize_per_channel',
  'dequantize_per_channel',
]);

/** Who spends a step's time: oneDNN, Octavo's own loops, or conversions and copies, whoever does those. */
export type StepKind = 'oneDNN' | 'own' | 'conversion';

export function kindOf({ op, implementation }: Pick<StepProfile, 'op' | 'implementation'>): StepKind {
  if (conversions.has(op)) return 'conversion';
  return implementation.includes('octavo:') ? 'own' : 'oneDNN';
}

/** Nanoseconds of the steps that `counts` lets through. */
export function timeOf(profile: readonly StepProfile[], counts: (step: StepProfile) => boolean): number {
  return profile.filter(counts).reduce((sum, { nanoseconds }) => sum + nanoseconds, 0);
}

/** The steps of one plan, each with the median of its times. */
export function medianSteps(profiles: readonly (readonly StepProfile[])[]): StepProfile[] {
  return profiles[0].map((step, i) => ({
    ...step,
    nanoseconds: median(profiles.map((profile) => profile[i].nanoseconds)),
  }));
}

/** An input of this shape for a model that has one. */
export function inputOf(shape: readonly number[]): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return new Tensor('float32', pseudoRandom(length, 1), shape);
}

/** How often to profile or run a model in one turn, so that the turn takes about so long. */
export function turnLength(model: CompiledModel, input: Tensor, milliseconds: number): number {
  for (let i = 0; i < 3; i++) model.runSync(input);
  const start = performance.now();
  model.runSync(input);
  return Math.max(1, Math.round(milliseconds / (performance.now() - start)));
}
