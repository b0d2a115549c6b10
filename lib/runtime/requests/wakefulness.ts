import { setImmediate } from 'node:timers';
import type { NativeExecutor } from '../../native/addon-types.ts';

/**
 * Keeps the event loop from going to sleep while a short request is under way: to wake it takes longer than a small
 * network. The loop goes on to turn, so that timers, sockets and files are served as they come.
 */
export class Wakefulness {
  readonly #executor: NativeExecutor;
  #awake = false;

  constructor(executor: NativeExecutor) {
    this.#executor = executor;
  }

  /** After a request was submitted. */
  begin(): void {
    if (!this.#awake) setImmediate(this.#turn);
    this.#awake = true;
  }

  readonly #turn = (): void => {
    this.#awake = this.#executor.attend();
    if (this.#awake) setImmediate(this.#turn);
  };
}
