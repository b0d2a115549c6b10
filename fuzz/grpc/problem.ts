import type { Problem } from '../kind.ts';

/**
 * `messages`: a request for inference of fields that may be changed. `frames`: a request whose bytes are changed, or that travels otherwise
 * than it should within a call. `streams`: bytes of HTTP/2 that may be changed.
 */
export const grpcVariants = ['messages', 'frames', 'streams'] as const;
export type GrpcVariant = (typeof grpcVariants)[number];

/** A call over a connection that is as it should be. */
export interface Call {
  /** Besides those that every call has, or in place of them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Written one after the other. */
  readonly pieces: readonly Buffer[];
  /** Whether the client resets the stream behind them, rather than ending it. */
  readonly isReset: boolean;
}

export interface GrpcProblem extends Problem {
  readonly variant: GrpcVariant;
  /** What was changed, in a few words. */
  readonly what: string;
  /** Undefined: the bytes are those of a connection. */
  readonly call: Call | undefined;
  /** What is written to a connection. */
  readonly bytes: Buffer;
  /** The message of the request, where it is certain what a client has asked. */
  readonly message: Buffer | undefined;
  /** Whether it has to be answered with results: nothing of it was changed. */
  readonly isValid: boolean;
}
