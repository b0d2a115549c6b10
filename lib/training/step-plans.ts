import { type GraphModule, inputsOf, type TensorInfo } from '../graph/index.ts';
import { type CompiledModel, compile } from '../runtime/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { trainingSwitch } from '../transforms/training-mode.ts';
import { buildTrainingGraph, type TrainingGraph, type TrainingProblem } from './training-graph.ts';

/** A step for one size of batch. */
export interface StepPlan {
  readonly graph: TrainingGraph;
  readonly compiled: CompiledModel;
}

type Batch = Readonly<Record<string, Tensor>>;

/** Enough for full batches and a smaller last one, with and without moving statistics. */
const mostPlans = 4;

/**
 * The plans of a model's training steps: one a size of batch, for the modes that its batch norms and dropouts are in. Those that were
 * used last are kept.
 */
export class StepPlans {
  readonly #model: GraphModule;
  readonly #problem: TrainingProblem;
  readonly #threads: number | undefined;
  readonly #inputs: readonly TensorInfo[];
  readonly #plans = new Map<string, StepPlan>();

  /** @throws Error as `buildTrainingGraph` does. */
  constructor(model: GraphModule, problem: TrainingProblem, threads?: number) {
    this.#model = model;
    this.#problem = problem;
    this.#threads = threads;
    this.#inputs = inputsOf(model);
    this.declared();
  }

  /** The plan for the sizes that the trainer was made for. */
  declared(): StepPlan {
    const { shapes = {}, targets } = this.#problem;
    const sizes = this.#inputs.map(({ name, shape }) => [name, shapes[name] ?? shape] as const);
    const wanted = Object.entries(targets).map(([name, { shape }]) => [name, shape] as const);
    return this.#planFor([...sizes, ...wanted], () => this.#problem);
  }

  /**
   * The plan for a batch. Its sizes may be other ones than those that were declared where the model was captured with sizes that a
   * request chooses; the targets' sizes then follow.
   */
  for(inputs: Batch, targets: Batch): StepPlan {
    const declared = this.declared();
    if (!this.#isOfOtherSizes(inputs, declared)) return declared;
    const described = Object.entries(this.#problem.targets).map(
      ([name, { dtype, shape }]) => [name, { dtype, shape: targets[name]?.shape ?? shape }] as const,
    );
    const sizes = Object.entries(inputs).map(([name, { shape }]) => [name, shape] as const);
    return this.#planFor([...sizes, ...described.map(([name, { shape }]) => [name, shape] as const)], () => ({
      ...this.#problem,
      shapes: Object.fromEntries(sizes),
      targets: Object.fromEntries(described),
    }));
  }

  dispose(): void {
    for (const { compiled } of this.#plans.values()) compiled.dispose();
    this.#plans.clear();
  }

  /** Only where the model allows it: what fits nowhere is left to the declared plan, which says why. */
  #isOfOtherSizes(inputs: Batch, { compiled }: StepPlan): boolean {
    let differs = false;
    for (const { name, shape } of this.#inputs) {
      const given = inputs[name]?.shape;
      if (given?.length !== shape.length) return false;
      if (shape.some((extent, axis) => typeof extent === 'number' && extent !== given[axis])) return false;
      const known = compiled.inputs.find((input) => input.name === name)!.shape;
      differs ||= known.some((extent, axis) => extent !== given[axis]);
    }
    return differs;
  }

  #planFor(
    sizes: readonly (readonly [string, readonly unknown[]])[],
    problem: () => TrainingProblem,
  ): StepPlan {
    const key = `${this.#modes()} ${sizes.map(([name, shape]) => `${name}[${shape.join(',')}]`).join(' ')}`;
    const known = this.#plans.get(key);
    const plan = known ?? this.#build(problem());
    this.#plans.delete(key);
    this.#plans.set(key, plan);
    if (!known && this.#plans.size > mostPlans) {
      const [[oldest, { compiled }]] = this.#plans;
      this.#plans.delete(oldest);
      compiled.dispose();
    }
    return plan;
  }

  #build(problem: TrainingProblem): StepPlan {
    const graph = buildTrainingGraph(this.#model, problem);
    const threads = this.#threads === undefined ? {} : { threadsPerStream: this.#threads };
    return { graph, compiled: compile(graph.module, { streams: 1, ...threads }) };
  }

  /** Which batch norms and dropouts are in training mode, as digits. */
  #modes(): string {
    return this.#model.graph.nodes
      .map((node) => ({ node, at: trainingSwitch(node) }))
      .flatMap(({ node, at }) => (at === undefined ? [] : [node.args[at] === true ? 1 : 0]))
      .join('');
  }
}
