/**
 * @throws Error when `signal` is given and is no AbortSignal, and the signal's reason when it has been aborted.
 */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  // Not instanceof: other realms have an AbortSignal of their own.
  if (typeof signal !== 'object' || signal === null || typeof signal.throwIfAborted !== 'function')
    throw new Error(`run: signal must be an AbortSignal, got ${String(signal)}`);
  signal.throwIfAborted();
}

/** Waits for `promise`, calling `onAbort` if the signal is aborted meanwhile. Listens no longer than that. */
export async function listening<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  onAbort: (reason: unknown) => void,
): Promise<T> {
  if (!signal) return promise;
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
