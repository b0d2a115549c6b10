import type { Problem } from '../kind.ts';
import type { Message } from './messages.ts';

/**
 * `json` and `binary`: one request, whole, of a message that may be changed. `bytes`: a request with some of its bytes changed. `framing`:
 * requests behind each other, in chunks, or with a head that says something else than is sent.
 */
export const requestVariants = ['json', 'binary', 'bytes', 'framing'] as const;
export type RequestVariant = (typeof requestVariants)[number];

/** What a client writes to its connection. */
export interface RequestProblem extends Problem {
  readonly variant: RequestVariant;
  /** What was changed, in a few words. */
  readonly what: string;
  /** Written one after the other. */
  readonly pieces: readonly Buffer[];
  /** Messages that have to be answered in this order, where it is certain what is asked; then the server closes the connection. */
  readonly asked: readonly Message[] | undefined;
}
