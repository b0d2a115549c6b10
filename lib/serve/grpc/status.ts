import type { StatusObject } from '@grpc/grpc-js';
import { ProtocolError } from '../errors.ts';

/** gRPC's status codes: https://grpc.io/docs/guides/status-codes/. */
const codes = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** Those that say what an HTTP status says. */
const byHttpStatus: ReadonlyMap<number, number> = new Map([
  [400, codes.INVALID_ARGUMENT],
  [403, codes.PERMISSION_DENIED],
  [404, codes.NOT_FOUND],
  [429, codes.RESOURCE_EXHAUSTED],
  [499, codes.CANCELLED],
  [503, codes.UNAVAILABLE],
  [504, codes.DEADLINE_EXCEEDED],
]);

/** @param httpStatus 200, or a ProtocolError's. */
export const codeOf = (httpStatus: number): number =>
  httpStatus === 200 ? 0 : (byHttpStatus.get(httpStatus) ?? codes.INTERNAL);

/** @returns that of HTTP that says the same as a code. */
export const httpStatusOf = (code: number): number =>
  code === 0 ? 200 : ([...byHttpStatus].find(([, each]) => each === code)?.[0] ?? otherStatuses[code] ?? 500);

/** Of codes that are the gRPC library's own. */
const otherStatuses: Readonly<Record<number, number>> = {
  [codes.UNIMPLEMENTED]: 501,
  [codes.UNAUTHENTICATED]: 401,
};

/** Messages travel in a header, and clients refuse headers of more than some KiB. */
const longestMessage = 1024;

const httpStatusIn = (error: Error): number => (error instanceof ProtocolError ? error.status : 500);

/** Whether the server is at fault, not the client. */
export const isFailure = (error: Error): boolean => httpStatusIn(error) >= 500;

/** What a call that failed is answered with. */
export function statusOf(error: Error): Partial<StatusObject> {
  return {
    code: codeOf(httpStatusIn(error)),
    // By way of bytes: half of a surrogate pair, as a cut may leave, could not be written.
    details: Buffer.from(error.message.slice(0, longestMessage)).toString(),
  };
}
