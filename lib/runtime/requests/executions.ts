import { listening } from '../../abort.ts';
import type { NativeExecutor } from '../../native/addon-types.ts';
import type { Tensor } from '../../tensor/index.ts';
import type { RequestPlan, StagePlans } from '../stage-plans.ts';
import type { Batcher } from './batcher.ts';
import { dataOf, shapesOf } from './operands.ts';
import { type RunTiming, timingOf } from './run-statistics.ts';
import { Wakefulness } from './wakefulness.ts';

/** A request's turn on the model's threads: one stage of it, if it has several. */
export interface Execution {
  readonly plans: StagePlans;
  readonly plan: RequestPlan;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Its number in the queue. */
  readonly arrival: number;
  readonly signal: AbortSignal | undefined;
  /** Whether to return what it took: numbers from another thread cost half a microsecond. */
  readonly isTimed: boolean;
}

/** Hands requests to the model's threads, with others of their batch if there is a batcher. */
export class Executions {
  readonly #executor: NativeExecutor;
  readonly #batcher: Batcher | undefined;
  readonly #wakefulness: Wakefulness;

  constructor(executor: NativeExecutor, batcher: Batcher | undefined) {
    this.#executor = executor;
    this.#batcher = batcher;
    this.#wakefulness = new Wakefulness(executor);
  }

  /**
   * Resolves when the outputs are written.
   * @throws (rejects) Error when a step fails or the model is disposed; the signal's reason when it is aborted before the start.
   */
  async execute(execution: Execution): Promise<RunTiming | undefined> {
    const { plan, inputs, outputs, arrival, signal, isTimed } = execution;
    const batch = this.#batcher?.enter(shapesOf(inputs), plan);
    const samples = batch?.samples ?? samplesOf(execution);
    try {
      const [from, to] = [dataOf(inputs), dataOf(outputs)];
      const { native, planned } = plan;
      const done = this.#executor.run(
        native,
        from,
        to,
        planned.parts,
        arrival,
        batch?.native,
        samples,
        isTimed,
      );
      this.#wakefulness.begin();
      const withdraw = (reason: unknown) => this.#executor.withdraw(arrival, reason);
      const timing = await (signal ? listening(done, signal, withdraw) : done);
      return timing && timingOf(timing);
    } finally {
      batch?.leave();
    }
  }
}

/** How many samples a request has that is not computed with others. */
function samplesOf({ plans, inputs: [first] }: Execution): number {
  return first !== undefined && plans.keepsSamplesApart ? first.shape[0] : 1;
}
