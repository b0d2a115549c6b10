import { ProtocolError } from '../errors.ts';

/** Timers go no further: 24 days. */
const longestDelay = 2 ** 31 - 1;

/**
 * Does what may have to wait, with a signal that is aborted when `signal` is, and after `timeout` microseconds.
 * @param timeout undefined: none.
 */
export async function within<T>(
  timeout: number | undefined,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (timeout === undefined || signal.aborted) return work(signal);
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const expire = () =>
    controller.abort(
      new ProtocolError(504, `the request was not computed within its timeout of ${timeout} microseconds`),
    );
  // Timers count whole milliseconds.
  const timer = setTimeout(expire, Math.min(Math.ceil(timeout / 1000), longestDelay));
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
