/** Rejects a request if the queue is full. Slow down, or send it elsewhere. */
export class QueueFullError extends Error {
  readonly code = 'ERR_OCTAVO_QUEUE_FULL';
  override readonly name = 'QueueFullError';
}

/** The default bound on waiting requests: seconds of work for most models, and little memory. */
export const defaultMaxQueue = 1024;

/** Requests of a priority that comes first have numbers below all others: enough of them for a century. */
const numbersPerPriority = 2 ** 44;
const usualPriority = 128;

/**
 * Admits up to `maxQueue` waiting requests and numbers them, by priority and arrival; workers start them in that order. A request that has to
 * wait for its plan first keeps its place among the others.
 */
export class RequestQueue {
  readonly #streams: number;
  readonly #maxQueue: number;
  #inside = 0;
  #arrivals = 0;

  /**
   * @param streams requests that run at the same time.
   * @param maxQueue requests that may wait for one of them to finish.
   */
  constructor(streams: number, maxQueue: number) {
    if (!(maxQueue === Number.POSITIVE_INFINITY || (Number.isSafeInteger(maxQueue) && maxQueue >= 0)))
      throw new Error(
        `compile: maxQueue must be a non-negative integer or Infinity, got ${String(maxQueue)}`,
      );
    this.#streams = streams;
    this.#maxQueue = maxQueue;
  }

  /** Requests that wait or run. */
  get inside(): number {
    return this.#inside;
  }

  /**
   * The number of the next arrival.
   * @throws Error for a priority that there is none of.
   */
  arrive(priority = usualPriority): number {
    if (!(Number.isInteger(priority) && priority >= 0 && priority <= 255))
      throw new Error(`run: priority must be a whole number from 0 to 255, got ${String(priority)}`);
    return priority * numbersPerPriority + this.#arrivals++;
  }

  /**
   * Lets a request in, and gives its number. It is in the queue or running until it {@link leave}s.
   * @throws QueueFullError, and Error for a priority that there is none of.
   */
  enter(priority?: number): number {
    if (this.#inside >= this.#streams + this.#maxQueue)
      throw new QueueFullError(
        `run: the queue is full: ${this.#streams} requests run and ${this.#maxQueue} wait (maxQueue)`,
      );
    const number = this.arrive(priority);
    this.#inside++;
    return number;
  }

  leave(): void {
    this.#inside--;
  }
}
