/**
 * @param where the function that takes the signal, for messages.
 * @throws Error when `signal` is given and is no AbortSignal, and the signal's reason when it has been aborted.
 */
export function checkSignal(signal: AbortSignal | undefined, where: string): void {
  if (signal === undefined) return;
  // Not instanceof: other realms have an AbortSignal of their own.
  if (typeof signal !== 'object' || signal === null || typeof signal.throwIfAborted !== 'function')
    throw new Error(`${where}: signal must be an AbortSignal, got ${String(signal)}`);
  signal.throwIfAborted();
}

/** Waits for `promise`, calling `onAbort` if the signal is aborted meanwhile. Listens no longer than that. */
export async function listening<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  onAbort: (reason: unknown) => void,
): Promise<T> {
  const listener = () => onAbort(signal.reason);
  signal.addEventListener('abort', listener, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', listener);
  }
}

/** Waits for `promise`, but no longer than until the signal is aborted: then it rejects with the signal's reason. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    listening(promise, signal, reject).then(resolve, reject);
  });
}

/**
 * The same items, but the signal ends the wait for the next one: then it throws the signal's reason. Like `for await`,
 * it closes the iterator when it is left early.
 */
export async function* untilAborted<T>(
  items: AsyncIterable<T> | Iterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const next = async () => iterator.next();
  let ended = false;
  try {
    while (true) {
      signal?.throwIfAborted();
      const { done = false, value } = await unlessAborted(next(), signal);
      ended = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!ended) {
      const closed = close(iterator);
      // A generator closes when what it waits for has come, which may be never.
      if (!signal?.aborted) await closed;
    }
  }
}

/** Ignores errors from closing: the caller already has the error that ended the iteration. */
async function close(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {}
}
