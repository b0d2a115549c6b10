import { checkState } from '../checks.ts';
import { Optimizer } from '../optimizer.ts';

/** Where a schedule stands: plain values, for JSON. */
export interface ScheduleState {
  /** The class. */
  readonly name: string;
  /** What it was constructed with. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The optimizer's rate before any schedule. */
  readonly initialLr: number;
  readonly lastEpoch: number;
}

/**
 * Changes an optimizer's learning rate from step to step (counterpart: `torch.optim.lr_scheduler.LRScheduler`). Constructing one sets
 * the first rate. A rate is a function of the number of steps alone, so that a run that was resumed has the same ones; PyTorch computes
 * some of them each from the one before, which differs by float64's rounding.
 *
 * Groups of parameters with rates of their own keep their proportion to the optimizer's.
 */
export abstract class LRScheduler {
  readonly optimizer: Optimizer;
  readonly #options: Readonly<Record<string, unknown>>;
  #lastEpoch = 0;

  protected constructor(optimizer: Optimizer, options: Readonly<Record<string, unknown>>) {
    if (!(optimizer instanceof Optimizer))
      throw new Error(`${new.target.name}: expected an optimizer first, such as new SGD()`);
    this.optimizer = optimizer;
    this.#options = options;
  }

  /** How often {@link step} was called. PyTorch's word, whether it is called after every epoch or after every step. */
  get lastEpoch(): number {
    return this.#lastEpoch;
  }

  /** The rate after so many calls of {@link step}. */
  abstract rateAt(epoch: number): number;

  /** Sets the next learning rate; to be called after the trainer's step, or after an epoch of them. */
  step(): void {
    this.moveTo(this.#lastEpoch + 1);
  }

  /** Where the schedule stands (`state_dict`). */
  stateDict(): ScheduleState {
    return {
      name: this.constructor.name,
      options: this.#options,
      initialLr: this.optimizer.initialLr,
      lastEpoch: this.#lastEpoch,
    };
  }

  /**
   * Goes on where another schedule of the same kind stood, and sets its learning rate (`load_state_dict`).
   * @throws Error that says what differs, when the state is none, or that of another kind of schedule or of one with other options.
   */
  loadStateDict(state: ScheduleState): void {
    const name = this.constructor.name;
    checkState(state, name);
    if (state.name !== name) throw new Error(`${name}: the state is that of a ${String(state.name)}`);
    const text = ({ options, initialLr }: ScheduleState) => JSON.stringify({ initialLr, ...options });
    const [theirs, own] = [text(state), text(this.stateDict())];
    if (theirs !== own)
      throw new Error(`${name}: the state is that of a schedule with ${theirs}; this one has ${own}`);
    if (!Number.isSafeInteger(state.lastEpoch) || state.lastEpoch < 0)
      throw new Error(`${name}: lastEpoch must be a whole number, got ${String(state.lastEpoch)}`);
    this.moveTo(state.lastEpoch);
  }

  /** Constructors end with `moveTo(0)`, when all that {@link rateAt} reads is there. */
  protected moveTo(epoch: number): void {
    const rate = this.rateAt(epoch);
    this.#lastEpoch = epoch;
    this.optimizer.lr = rate;
  }
}
