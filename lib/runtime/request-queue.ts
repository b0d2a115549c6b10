/** Rejects a request that finds as many waiting as may wait. Slow down, or send it elsewhere. */
export class QueueFullError extends Error {
  readonly code = 'ERR_OCTAVO_QUEUE_FULL';
  override readonly name = 'QueueFullError';
}

/** Requests that wait where nothing else was asked for: seconds of work for most models, and little memory. */
export const defaultMaxQueue = 1024;

/**
 * Lets requests in until so many of them wait, and numbers them: workers start them in the order of these numbers. A
 * request that has to wait for its plan first takes its place among the others as soon as the plan is there.
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

  /** The number of what comes now. */
  arrive(): number {
    return this.#arrivals++;
  }

  /** Calls `serve` with the request's number; the request is in the queue or running until its promise settles. */
  async admit<T>(serve: (arrival: number) => Promise<T>): Promise<T> {
    if (this.#inside >= this.#streams + this.#maxQueue)
      throw new QueueFullError(
        `run: the queue is full: ${this.#streams} requests run and ${this.#maxQueue} wait (maxQueue)`,
      );
    this.#inside++;
    try {
      return await serve(this.arrive());
    } finally {
      this.#inside--;
    }
  }
}
