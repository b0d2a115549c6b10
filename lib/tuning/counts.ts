import { bindInputs, type GraphModule } from '../graph/index.ts';
import { untuned } from '../runtime/decisions.ts';
import {
  type CompiledModel,
  type CompileOptions,
  compile,
  type ModelInputs,
  type Tuning,
} from '../runtime/index.ts';
import { type CountRace, chooseCount } from './choose.ts';
import { takeTurns } from './race.ts';

/** The number of threads that compute a request; undefined if only one is available. */
export function bestThreads(
  module: GraphModule,
  inputs: ModelInputs,
  options: CompileOptions,
): Tuning['threads'] {
  using estimated = compile(module, options);
  const { shapes, plan } = planFor(estimated, inputs);
  const counts = threadCounts(estimated.threadsPerStream);
  if (counts.length === 1) return [];
  const others = counts.filter((count) => count !== plan.threads);
  const onThreads = (choice: number) =>
    compile(module, { ...options, tuning: { ...untuned, threads: [{ shapes, choice, times: {} }] } });
  return [{ shapes, ...chooseCount(plan.threads, others, raceOf(onThreads, inputs)) }];
}

/**
 * The number of parts that a batch is computed in; undefined if it cannot be divided.
 * @param threads the decision about threads.
 */
export function bestParts(
  module: GraphModule,
  inputs: ModelInputs,
  options: CompileOptions,
  threads: Tuning['threads'],
): Tuning['parts'] {
  const inParts = (parts: Tuning['parts']) =>
    compile(module, { ...options, tuning: { ...untuned, threads, parts } });
  using estimated = inParts([]);
  const { shapes, plan } = planFor(estimated, inputs);
  const counts = divisorsOf(shapes[0]?.[0] ?? 1);
  const tuned = (choice: number) => inParts([{ shapes, choice, times: {} }]);
  if (counts.length === 1 || !canBeDivided(tuned, counts, inputs)) return [];
  const others = counts.filter((count) => count !== plan.parts);
  return [{ shapes, ...chooseCount(plan.parts, others, raceOf(tuned, inputs)) }];
}

function planFor(model: CompiledModel, inputs: ModelInputs) {
  const shapes = bindInputs(model.inputs, inputs, model.rangeConstraints).map(({ shape }) => shape);
  const plan = model.plan(Object.fromEntries(model.inputs.map(({ name }, i) => [name, shapes[i]])));
  return { shapes, plan };
}

/** A model whose samples depend on each other always computes a batch as a whole. */
function canBeDivided(
  compileFor: (parts: number) => CompiledModel,
  counts: readonly number[],
  inputs: ModelInputs,
): boolean {
  using divided = compileFor(counts[1]);
  return planFor(divided, inputs).plan.parts === counts[1];
}

function raceOf(compileFor: (count: number) => CompiledModel, inputs: ModelInputs): CountRace {
  return (current, challenger) => {
    using a = compileFor(current);
    using b = compileFor(challenger);
    return takeTurns(a, b, (model) => {
      const start = performance.now();
      model.runSync(inputs);
      return performance.now() - start;
    });
  };
}

/** 1, 2, 4, … and `most`. */
function threadCounts(most: number): number[] {
  const counts: number[] = [];
  for (let count = 1; count < most; count *= 2) counts.push(count);
  return [...counts, most];
}

function divisorsOf(batch: number): number[] {
  return Array.from({ length: batch }, (_, i) => i + 1).filter((count) => batch % count === 0);
}
