/** Thrown when a run was interrupted; says what is left of it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Ends `work` by its signal when the process is told to end (Ctrl-C, `kill`). Who tells it again ends it at once.
 * @throws (rejects) whatever `work` does.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const stop = () => {
    ignore();
    controller.abort();
  };
  const ignore = () => {
    for (const signal of signals) process.off(signal, stop);
  };
  for (const signal of signals) process.on(signal, stop);
  try {
    return await work(controller.signal);
  } finally {
    ignore();
  }
}
