import { QueueFullError } from '../../runtime/index.ts';
import { ProtocolError } from '../errors.ts';

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
