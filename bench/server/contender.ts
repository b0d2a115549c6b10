import type { ServerMessage } from './server.ts';

/** A server, and how it is asked. */
export interface Contender {
  readonly name: string;
  /** One of the client's protocols. */
  readonly protocol: string;
  /** The most requests that are computed together; undefined: none are. */
  readonly maxBatchSize: number | undefined;
  readonly server: ServerMessage;
}
