import { EventEmitter } from 'node:events';
import type { Channel } from '../../../lib/serve/workers/peer.ts';

/** One end of a channel. */
export type End = Channel & EventEmitter;

/** The two ends of a channel; messages become JSON on their way, as between processes. */
export function channel(): readonly [End, End] {
  const ends = [new EventEmitter(), new EventEmitter()] as const;
  const [a, b] = ends.map((end, i) =>
    Object.assign(end, {
      send: (message: unknown) => ends[1 - i].emit('message', JSON.parse(JSON.stringify(message))),
    }),
  );
  return [a, b];
}
