import { bindInputs, type GraphModule, inputsOf, SymInt, type TensorInfo } from '../graph/index.ts';
import { type CompiledModel, compile } from '../runtime/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { trainingSwitch } from '../transforms/training-mode.ts';
import { buildTrainingGraph, type TrainingGraph } from './training-graph.ts';
import type { TrainingProblem } from './training-problem.ts';

/** A step for one size of batch. */
export interface StepPlan {
  readonly graph: TrainingGraph;
  readonly compiled: CompiledModel;
}

type Batch = Readonly<Record<string, Tensor>>;
type Shapes = Readonly<Record<string, readonly number[]>>;

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
  /** Of the inputs, as they were declared. */
  readonly #shapes: Shapes;
  readonly #plans = new Map<string, StepPlan>();
  #isDisposed = false;

  /** @throws Error as `buildTrainingGraph` does. */
  constructor(model: GraphModule, problem: Omit<TrainingProblem, 'paths'>, threads?: number) {
    this.#model = model;
    const paths = new Map([...model.attributes].map(([path, tensor]) => [tensor, path]));
    this.#problem = { ...problem, paths };
    this.#threads = threads;
    this.#inputs = inputsOf(model);
    const declared = this.#inputs.map(({ name, shape }) => [name, problem.shapes?.[name] ?? shape] as const);
    this.#shapes = Object.fromEntries(declared) as Shapes;
    this.declared();
  }

  /** The plan for the sizes that the trainer was made for. */
  declared(): StepPlan {
    return this.#planFor(this.#shapes, this.#problem);
  }

  /**
   * The plan for a batch. Its sizes may be other ones than those that were declared where the model was captured with sizes that a
   * request chooses; sizes of targets that were the same as these are then the batch's, too.
   * @returns the plan, and the batch's tensors by name.
   * @throws Error that names the input or target that is missing, not known, or of another dtype or shape.
   */
  for(inputs: Batch, targets: Batch): { readonly plan: StepPlan; readonly batch: Batch } {
    if (this.#isDisposed) throw new Error('Trainer.step: the trainer is disposed; make a new one');
    const given = bindInputs(this.#inputs, inputs, this.#model.rangeConstraints);
    const shapes = Object.fromEntries(this.#inputs.map(({ name }, i) => [name, given[i].shape]));
    const infos = this.#targetsBeside(shapes);
    const wanted = bindInputs(infos, targets, new Map());
    const batch = Object.fromEntries([
      ...this.#inputs.map(({ name }, i) => [name, given[i]] as const),
      ...infos.map(({ name }, i) => [name, wanted[i]] as const),
    ]);
    const described = Object.fromEntries(
      infos.map(({ name, dtype }) => [name, { dtype, shape: batch[name].shape }]),
    );
    return { plan: this.#planFor(shapes, { ...this.#problem, shapes, targets: described }), batch };
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const { compiled } of this.#plans.values()) compiled.dispose();
    this.#plans.clear();
  }

  /** The targets of a batch whose inputs have these shapes. A size that may have become one of several is left open. */
  #targetsBeside(shapes: Shapes): readonly TensorInfo[] {
    const chosen = new Map<number, Set<number>>();
    for (const { name, shape } of this.#inputs)
      for (const [axis, extent] of shape.entries())
        if (typeof extent !== 'number') {
          const declared = this.#shapes[name][axis];
          chosen.set(declared, (chosen.get(declared) ?? new Set()).add(shapes[name][axis]));
        }
    const sizeOf = (extent: number, name: string, axis: number) => {
      const [first = extent, ...others] = chosen.get(extent) ?? [];
      return others.length > 0 ? new SymInt([`${name}${axis}`]) : first;
    };
    return Object.entries(this.#problem.targets).map(([name, { dtype, shape }]) => ({
      name,
      dtype,
      shape: shape.map((extent, axis) => sizeOf(extent, name, axis)),
    }));
  }

  #planFor(shapes: Shapes, problem: TrainingProblem): StepPlan {
    const targets = Object.entries(problem.targets).map(([name, { shape }]) => [name, shape] as const);
    const key = [this.#modes(), keyOf(shapes), keyOf(Object.fromEntries(targets))].join(' ');
    const known = this.#plans.get(key);
    const plan = known ?? this.#build(problem);
    this.#plans.delete(key);
    this.#plans.set(key, plan);
    if (this.#plans.size > mostPlans) {
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

const keyOf = (shapes: Shapes): string =>
  Object.entries(shapes)
    .map(([name, shape]) => `${name}[${shape}]`)
    .join();
