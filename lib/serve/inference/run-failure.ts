import type { ErrorCode } from '../../runtime/index.ts';
import { ProtocolError } from '../errors.ts';
import type { FailureReason } from '../models/version-tally.ts';

/** Too little memory is the server's fault: the client cannot know how much a model takes for an input. */
const statuses: Readonly<Record<ErrorCode, number>> = {
  ERR_OCTAVO_INVALID_INPUT: 400,
  ERR_OCTAVO_OUT_OF_MEMORY: 500,
  ERR_OCTAVO_QUEUE_FULL: 429,
  ERR_OCTAVO_DISPOSED: 503,
};

/** Whose fault it was that a run failed. An Error without a code is a fault of the model, or of Octavo. */
export function failureOf(error: Error & { readonly code?: string }): ProtocolError {
  if (error instanceof ProtocolError) return error;
  const status = statuses[error.code as ErrorCode] ?? 500;
  return new ProtocolError(status, error.message, { cause: error });
}

/** Why a request failed, as it is counted. Whatever is no ProtocolError is a fault of the server. */
export function reasonOf(error: unknown): FailureReason {
  const status = error instanceof ProtocolError ? error.status : 500;
  if (status === 429 || status === 504) return 'REJECTED';
  if (status === 499) return 'CANCELED';
  return status >= 500 ? 'BACKEND' : 'OTHER';
}
