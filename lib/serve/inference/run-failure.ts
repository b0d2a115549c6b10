import { QueueFullError } from '../../runtime/index.ts';
import { ProtocolError } from '../errors.ts';
import type { FailureReason } from '../models/version-statistics.ts';

/**
 * Whose fault it was that a run failed. That inputs do not fit the model, or hold an index out of range, is the client's; a
 * want of memory, or a model that is gone, the server's. These have no type of their own, so their words tell.
 */
export function failureOf(error: Error): ProtocolError {
  if (error instanceof ProtocolError) return error;
  return new ProtocolError(statusOf(error), error.message, { cause: error });
}

function statusOf(error: Error): number {
  if (error instanceof QueueFullError) return 429;
  if (/the model (is|was) disposed/.test(error.message)) return 503;
  if (error instanceof RangeError || error.message.includes('there is not enough memory')) return 500;
  return 400;
}

/** Why a request failed, as it is counted. Whatever is no ProtocolError is a fault of the server. */
export function reasonOf(error: unknown): FailureReason {
  const status = error instanceof ProtocolError ? error.status : 500;
  if (status === 429 || status === 504) return 'REJECTED';
  if (status === 499) return 'CANCELED';
  return status >= 500 ? 'BACKEND' : 'OTHER';
}
