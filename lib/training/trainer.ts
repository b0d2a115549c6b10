import { GraphModule } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import type { CompiledModel } from '../runtime/index.ts';
import { arrayTypeOf, numelOf, Tensor } from '../tensor/index.ts';
import type { BatchTensor, Loss } from './append-loss.ts';
import type { TrainingAutocast } from './autocast.ts';
import { checkFinite } from './check-finite.ts';
import { checkClipping } from './clip-gradients.ts';
import { Optimizer } from './optimizer.ts';
import { checkSameTensors, modelTensors, setModelTensors } from './state-dict.ts';
import { type StepPlan, StepPlans } from './step-plans.ts';
import type { StateTensor, StepNumber } from './training-graph.ts';
import { checkProblem } from './training-problem.ts';

/** Options of {@link Trainer}. */
export interface TrainerOptions {
  /** What is to be made small. */
  readonly loss: Loss;
  /** What the loss reads beside the model's outputs, by name: `{ labels: { dtype: 'int64', shape: [64] } }`. */
  readonly targets: Readonly<Record<string, BatchTensor>>;
  readonly optimizer: Optimizer;
  /**
   * Shapes of the model's inputs, by name, where it was captured with sizes that a request chooses. Batches of other sizes, such as a
   * smaller last one, get plans of their own.
   */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Parameters that are not trained (`requires_grad_(false)`): their paths, or a test for them. */
  readonly frozen?: readonly string[] | ((path: string) => boolean);
  /** The largest norm of all gradients together; larger ones are scaled down to it (`torch.nn.utils.clip_grad_norm_`). */
  readonly clipGradNorm?: number;
  /** The largest magnitude of a gradient's element (`torch.nn.utils.clip_grad_value_`). */
  readonly clipGradValue?: number;
  /** Decides the masks of dropouts, whose numbers are not PyTorch's; default 0. */
  readonly seed?: number;
  /**
   * Computes the model's products (convolutions, linear layers, attention) and their gradients in bfloat16, with sums in float32;
   * parameters, batch norms, softmaxes, the loss and the updates stay float32 (`torch.autocast('cpu', torch.bfloat16)`). An Error on a
   * CPU that is not faster so, unless it is forced.
   */
  readonly autocast?: TrainingAutocast['dtype'] | TrainingAutocast;
  /** Threads that share a step; default: as many as there are physical cores for this process. */
  readonly threads?: number;
}

const trainerOptions: OptionNames<TrainerOptions> = {
  loss: true,
  targets: true,
  optimizer: true,
  shapes: true,
  frozen: true,
  clipGradNorm: true,
  clipGradValue: true,
  seed: true,
  autocast: true,
  threads: true,
};

/** What a step found, before it changed the parameters. */
export interface StepResult {
  readonly loss: number;
  readonly outputs: readonly Tensor[];
  /** The norm of all gradients together before it was limited; only with `clipGradNorm`. */
  readonly gradNorm?: number;
}

/**
 * Trains a captured model. A step (forward, backward, update) is one native plan, for the sizes that the model was captured with;
 * nothing of it runs in JavaScript. After every step the model's own tensors, fake quantizers and statistics are the new ones, and
 * a step computes what the model says then: batch norms and dropouts in the mode they are in, fake quantizers as they are switched.
 *
 *     const model = exportModel(network.train(), { x: { dtype: 'float32', shape: [64, 3, 32, 32] } });
 *     const trainer = new Trainer(model, {
 *       loss: ([logits], { labels }) => F.crossEntropy(logits, labels),
 *       targets: { labels: { dtype: 'int64', shape: [64] } },
 *       optimizer: new SGD({ lr: 0.01, momentum: 0.9 }),
 *     });
 *     const { loss } = await trainer.step({ x }, { labels });
 */
export class Trainer {
  readonly model: GraphModule;
  readonly optimizer: Optimizer;
  readonly #plans: StepPlans;
  /** The optimizer's tensors, and where the next step writes them, by path. */
  readonly #kept = new Map<string, { now: Tensor; spare: Tensor }>();
  #steps = 0;
  #busy = false;

  /**
   * @param model captured in training mode, or prepared with `prepareQatPt2e`. It is trained in place.
   * @throws Error for an unknown option, a model without parameters, parameters or operators without a gradient.
   */
  constructor(model: GraphModule, options: TrainerOptions) {
    this.model = GraphModule.accept(model, 'Trainer');
    checkOptions(options, trainerOptions, 'Trainer');
    const { threads, ...problem } = options;
    const { optimizer } = problem;
    if (!(optimizer instanceof Optimizer))
      throw new Error('Trainer: expected an optimizer, such as new SGD()');
    checkClipping(problem);
    checkProblem(problem);
    this.optimizer = optimizer;
    this.#plans = new StepPlans(model, problem, threads);
    for (const { path, kind, initial } of this.#plans.declared().graph.state)
      if (kind === 'optimizer') this.#kept.set(path, { now: initial, spare: allocate(initial) });
  }

  /** Steps that were taken. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * Takes one step.
   * @param inputs the model's inputs by name.
   * @param targets what the loss reads, by name.
   * @throws (rejects) Error when a tensor does not fit, a label does not exist, or the loss or a parameter would not be finite (nothing is
   * changed then), when another step is under way, or the trainer is disposed.
   */
  async step(
    inputs: Readonly<Record<string, Tensor>>,
    targets: Readonly<Record<string, Tensor>>,
  ): Promise<StepResult> {
    if (this.#busy) throw new Error('Trainer.step: the step before is still under way; await it first');
    this.#busy = true;
    try {
      const { plan, batch } = this.#plans.for(inputs, targets);
      return await this.#step(plan, batch);
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Everything that a run needs to go on from here: the model's tensors (`model.…`, fake quantizers' with them), the optimizer's
   * (`optimizer.…`), its learning rate, and the number of steps. Not in it: the optimizer's other options, and the modes of batch norms.
   */
  stateDict(): ReadonlyMap<string, Tensor> {
    return new Map([
      ...modelTensors(this.model),
      ...[...this.#kept].map(([path, { now }]) => [`optimizer.${path}`, copyOf(now)] as const),
      ['optimizer.lr', Tensor.from('float64', [this.optimizer.lr])],
      ['steps', Tensor.from('int64', [this.#steps])],
    ]);
  }

  /**
   * Goes on from there. The trainer must have been made for the same model and optimizer.
   * @throws Error that lists what is missing, what is not the trainer's, and what has another dtype or shape; nothing is changed then.
   */
  loadStateDict(tensors: ReadonlyMap<string, Tensor>): void {
    if (this.#busy) throw new Error('Trainer.loadStateDict: a step is under way; await it first');
    checkSameTensors(this.stateDict(), tensors, 'Trainer.loadStateDict');
    const [lr, steps] = ['optimizer.lr', 'steps'].map((name) => Number(tensors.get(name)!.data[0]));
    if (!(lr >= 0 && Number.isFinite(lr) && steps >= 0))
      throw new Error(
        `Trainer.loadStateDict: optimizer.lr is ${lr} and steps is ${steps}; both must be 0 or more`,
      );
    setModelTensors(this.model, tensors);
    for (const [path, kept] of this.#kept) {
      kept.now = copyOf(tensors.get(`optimizer.${path}`)!);
      kept.spare = allocate(kept.now);
    }
    this.optimizer.lr = lr;
    this.#steps = steps;
  }

  /** Frees the plans and their threads; the model stays. */
  [Symbol.dispose](): void {
    this.#plans.dispose();
  }

  async #step({ graph, compiled }: StepPlan, batch: Readonly<Record<string, Tensor>>): Promise<StepResult> {
    const { state, switches, numbers } = graph;
    const given = [...state, ...switches].map((each) => [`state.${each.path}`, this.#current(each)] as const);
    const next = state.map((each) => this.#next(each));
    const results = reportedTensors(graph.reported, compiled);
    const outputs = {
      ...results,
      ...Object.fromEntries(state.map(({ path }, i) => [`state.${path}`, next[i]] as const)),
    };
    await compiled.run({ ...batch, ...this.#numbers(numbers), ...Object.fromEntries(given) }, { outputs });
    const { loss, grad_norm: norm, update, ...others } = results;
    const found = { loss, "gradients' norm": norm, 'sum of all updated parameters': update };
    checkFinite(found, { step: this.#steps + 1, batch, model: this.model });
    this.#steps++;
    this.#publish(state, next);
    return {
      loss: Number(loss.data[0]),
      outputs: Object.values(others),
      ...(norm ? { gradNorm: Number(norm.data[0]) } : {}),
    };
  }

  /** The model's own tensor, which may have been replaced since the step before: switched off, or loaded. */
  #current({ path, kind, owner }: StateTensor): Tensor {
    if (owner) return owner.module.state.get(owner.name)!;
    return kind === 'optimizer' ? this.#kept.get(path)!.now : this.model.attribute(path);
  }

  /** What the model is given is never written again: who keeps a tensor of it keeps its values. */
  #next({ path, kind, initial }: StateTensor): Tensor {
    return kind === 'optimizer' ? this.#kept.get(path)!.spare : allocate(initial);
  }

  #numbers(numbers: readonly StepNumber[]): Record<string, Tensor> {
    const values = numbers.map(({ group, name, input }) => {
      const value = this.optimizer.numbersOf(group, this.#steps + 1).get(name)!;
      // As float32 has it: Adam divides the rate by less than 1.
      if (!Number.isFinite(Math.fround(value)))
        throw new Error(
          `Trainer.step: the optimizer's learning rate is ${this.optimizer.lr}; its steps leave float32`,
        );
      return [input, new Tensor('float32', Float32Array.of(value), [])] as const;
    });
    return Object.fromEntries(values);
  }

  /** Gives the model what the step has made, and keeps what is the optimizer's. */
  #publish(state: readonly StateTensor[], next: readonly Tensor[]): void {
    state.forEach(({ path, kind, owner }, i) => {
      if (owner) owner.module.setState(owner.name, next[i]);
      else if (kind === 'optimizer') this.#kept.set(path, { now: next[i], spare: this.#kept.get(path)!.now });
      else this.model.attributes.set(path, next[i]);
    });
  }
}

function reportedTensors(names: readonly string[], { outputs }: CompiledModel): Record<string, Tensor> {
  const described = new Map(outputs.map((output) => [output.name, output]));
  return Object.fromEntries(
    names.map((name) => {
      const { dtype, shape } = described.get(name)!;
      return [name, allocate({ dtype, shape: shape as readonly number[] })];
    }),
  );
}

const allocate = ({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): Tensor =>
  new Tensor(dtype, new (arrayTypeOf(dtype))(numelOf(shape)), shape);

const copyOf = ({ dtype, data, shape }: Tensor): Tensor =>
  new Tensor(dtype, data.slice() as typeof data, shape);
