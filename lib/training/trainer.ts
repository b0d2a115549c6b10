import { GraphModule } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { type CompiledModel, compile } from '../runtime/index.ts';
import { arrayTypeOf, numelOf, Tensor } from '../tensor/index.ts';
import type { BatchTensor, Loss } from './append-loss.ts';
import { Optimizer } from './optimizer.ts';
import { buildTrainingGraph, type StateTensor, type TrainingGraph } from './training-graph.ts';

/** Options of {@link Trainer}. */
export interface TrainerOptions {
  /** What is to be made small. */
  readonly loss: Loss;
  /** What the loss reads beside the model's outputs, by name: `{ labels: { dtype: 'int64', shape: [64] } }`. */
  readonly targets: Readonly<Record<string, BatchTensor>>;
  readonly optimizer: Optimizer;
  /**
   * Shapes of the model's inputs, by name, where it was captured with sizes that a request chooses: a step is compiled for one size
   * of batch.
   */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Decides the masks of dropouts, whose numbers are not PyTorch's; default 0. */
  readonly seed?: number;
  /** Threads that share a step; default: as many as there are physical cores for this process. */
  readonly threads?: number;
}

const trainerOptions: OptionNames<TrainerOptions> = {
  loss: true,
  targets: true,
  optimizer: true,
  shapes: true,
  seed: true,
  threads: true,
};

/** What a step found, before it changed the parameters. */
export interface StepResult {
  readonly loss: number;
  readonly outputs: readonly Tensor[];
}

/**
 * Trains a captured model. A step (forward, backward, update) is one native plan, for the sizes that the model was captured with;
 * nothing of it runs in JavaScript. After every step the model's own tensors, fake quantizers and statistics are the new ones.
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
  readonly #graph: TrainingGraph;
  readonly #plan: CompiledModel;
  /** The state that the step before has left. */
  #state: readonly Tensor[];
  /** The state before that: where the next step writes what is the optimizer's. */
  #spare: readonly Tensor[];
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
    this.optimizer = optimizer;
    this.#graph = buildTrainingGraph(model, problem);
    this.#plan = compile(this.#graph.module, {
      streams: 1,
      ...(threads === undefined ? {} : { threadsPerStream: threads }),
    });
    this.#state = this.#graph.state.map(({ initial }) => initial);
    this.#spare = this.#state.map(({ dtype, shape }) => allocate(dtype, shape));
  }

  /** Steps that were taken. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * Takes one step.
   * @param inputs the model's inputs by name.
   * @param targets what the loss reads, by name.
   * @throws (rejects) Error when a tensor does not fit, a label does not exist, the loss is not finite (nothing is changed then), or
   * another step is under way.
   */
  async step(
    inputs: Readonly<Record<string, Tensor>>,
    targets: Readonly<Record<string, Tensor>>,
  ): Promise<StepResult> {
    if (this.#busy) throw new Error('Trainer.step: the step before is still under way; await it first');
    this.#busy = true;
    try {
      return await this.#step({ ...inputs, ...targets });
    } finally {
      this.#busy = false;
    }
  }

  /** Frees the plan and its threads; the model stays. */
  [Symbol.dispose](): void {
    this.#plan[Symbol.dispose]();
  }

  async #step(batch: Readonly<Record<string, Tensor>>): Promise<StepResult> {
    const { state, switches, reported } = this.#graph;
    const names = state.map(({ path }) => `state.${path}`);
    const given = Object.fromEntries([
      ...names.map((name, i) => [name, this.#current(state[i], this.#state[i])] as const),
      ...switches.map((each) => [`state.${each.path}`, this.#current(each, each.initial)] as const),
    ]);
    // What the model is given is never written again: who keeps a tensor of it keeps its values.
    const next = state.map(({ kind }, i) =>
      kind === 'optimizer' ? this.#spare[i] : allocate(this.#state[i].dtype, this.#state[i].shape),
    );
    const wanted = Object.fromEntries(names.map((name, i) => [name, next[i]]));
    const results = this.#reportedTensors();
    const outputs = { ...results, ...wanted };
    await this.#plan.run({ ...batch, ...this.#numbers(), ...given }, { outputs });
    const [loss, ...others] = reported.map((name) => results[name]);
    const value = Number(loss.data[0]);
    if (!Number.isFinite(value))
      throw new Error(
        `Trainer.step: the loss is ${value} in step ${this.#steps + 1}; nothing was changed. A smaller learning rate may help`,
      );
    this.#spare = this.#state;
    this.#state = next;
    this.#steps++;
    this.#publish();
    return { loss: value, outputs: others };
  }

  /** The model's own tensor, which may have been replaced since the step before: switched off, or loaded. */
  #current({ path, kind, owner }: StateTensor, known: Tensor): Tensor {
    if (owner) return owner.module.state.get(owner.name)!;
    return kind === 'optimizer' ? known : this.model.attribute(path);
  }

  #numbers(): Record<string, Tensor> {
    const values = this.#graph.numbers.map(({ group, name, input }) => {
      const value = this.optimizer.numbersOf(group, this.#steps + 1).get(name)!;
      if (!Number.isFinite(value))
        throw new Error(
          `Trainer.step: the optimizer's learning rate is ${this.optimizer.lr}; it must be a finite number`,
        );
      return [input, Tensor.from('float32', [value])] as const;
    });
    return Object.fromEntries(values);
  }

  #reportedTensors(): Record<string, Tensor> {
    const described = new Map(this.#plan.outputs.map((output) => [output.name, output]));
    return Object.fromEntries(
      this.#graph.reported.map((name) => {
        const { dtype, shape } = described.get(name)!;
        return [name, allocate(dtype, shape as readonly number[])];
      }),
    );
  }

  /** Gives the model what the step has made. */
  #publish(): void {
    this.#graph.state.forEach(({ path, kind, owner }, i) => {
      if (owner) owner.module.setState(owner.name, this.#state[i]);
      else if (kind !== 'optimizer') this.model.attributes.set(path, this.#state[i]);
    });
  }
}

const allocate = (dtype: Tensor['dtype'], shape: readonly number[]): Tensor =>
  new Tensor(dtype, new (arrayTypeOf(dtype))(numelOf(shape)), shape);
