/** Rejects a request if the queue is full. Slow down, or send it elsewhere. */
export class QueueFullError extends Error {
  readonly code = 'ERR_OCTAVO_QUEUE_FULL';
  override readonly name = 'QueueFullError';
}

/** The default bound on waiting requests: seconds of work for most models, and little memory. */
export const defaultMaxQueue = 1024;

/**
 * Admits up to `maxQueue` waiting requests and numbers them; workers start them in that order. A request that has to
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

  /** The number of the next arrival. */
  arrive(): number {
    return this.#arrivals++;
  }

  /**
   * Lets a request in, and gives its number. It is in the queue or running until it {@link leave}s.
   * @throws QueueFullError
   */
  enter(): number {
    if (this.#inside >= this.#streams + this.#maxQueue)
      throw new QueueFullError(
        `run: the queue is full: ${this.#streams} requests run and ${this.#maxQueue} wait (maxQueue)`,
      );
    this.#inside++;
    return this.arrive();
  }

  leave(): void {
    this.#inside--;
  }
}
