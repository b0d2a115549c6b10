import { constants } from 'node:os';

const signals = ['SIGTERM', 'SIGINT'] as const;

/**
 * Waits for the first signal that wants the process to end. The second one ends it at once, whichever it is: also where it is the first process of
 * a container, which signals do not end by themselves.
 */
export const endSignal = () =>
  new Promise<NodeJS.Signals>((resolve) => {
    let isFirst = true;
    for (const signal of signals)
      process.on(signal, () => {
        if (!isFirst) process.exit(128 + constants.signals[signal]);
        isFirst = false;
        resolve(signal);
      });
  });
