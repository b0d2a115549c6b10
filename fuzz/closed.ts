import type { EventEmitter } from 'node:events';

/** Settles when a connection or a stream is closed, whether or not it broke: `once` of node:events rejects with its error. */
export const closed = (connection: EventEmitter): Promise<void> =>
  new Promise((resolve) => {
    connection.once('close', () => resolve());
  });
