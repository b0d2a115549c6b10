import type { RequestFacts } from './request-facts.ts';
import { requestLevel } from './request-level.ts';

/** What writes lines: pino, or a part of it. */
export type RequestLog = Readonly<
  Record<'debug' | 'info' | 'warn' | 'error', (line: object, message: string) => void>
>;

/** How a request was answered. */
export interface RequestEnd {
  /** That of HTTP, or the one that says the same: 499 where the client has gone. */
  readonly status: number;
  readonly isProbe: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Milliseconds that it took. */
  readonly ms: number;
}

/**
 * Writes the line of a request.
 * @param protocol what its protocol says of it, the answer's status included.
 */
export function logRequest(log: RequestLog, protocol: object, facts: RequestFacts, end: RequestEnd): void {
  const { status, isProbe, bytesIn, bytesOut, ms } = end;
  const { model, version, id } = facts;
  const line = {
    ...protocol,
    model: model?.slice(0, 255),
    version,
    id: id?.slice(0, 128),
    bytesIn,
    bytesOut,
    ms: Math.round(ms * 1000) / 1000,
  };
  log[requestLevel(status, isProbe)](line, status === 499 ? 'client gone' : 'request');
}
