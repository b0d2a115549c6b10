/**
 * The `code` of an Error about a request, where a caller can do something about it (Node.js: `error.code`):
 *
 * - `ERR_OCTAVO_INVALID_INPUT`: the request's inputs do not fit the model: a name, dtype, shape or size, or a value, such as an index that
 *   is out of range. The same request fails again.
 * - `ERR_OCTAVO_OUT_OF_MEMORY`: memory does not suffice for tensors of these sizes. Smaller ones may do.
 * - `ERR_OCTAVO_QUEUE_FULL`: too many requests wait. Slow down, or send it elsewhere.
 * - `ERR_OCTAVO_DISPOSED`: the model was freed, before the request or while it waited.
 *
 * An Error about a request that has none of them is a fault of the model or of Octavo.
 *
 * @example
 * try {
 *   await model.run(image);
 * } catch (error) {
 *   if ((error as NodeJS.ErrnoException).code !== 'ERR_OCTAVO_QUEUE_FULL') throw error;
 *   await anotherServer.run(image);
 * }
 */
export type ErrorCode =
  | 'ERR_OCTAVO_INVALID_INPUT'
  | 'ERR_OCTAVO_OUT_OF_MEMORY'
  | 'ERR_OCTAVO_QUEUE_FULL'
  | 'ERR_OCTAVO_DISPOSED';

const codedError =
  (code: ErrorCode) =>
  (message: string, options?: ErrorOptions): Error =>
    Object.assign(new Error(message, options), { code });

export const outOfMemoryError = codedError('ERR_OCTAVO_OUT_OF_MEMORY');
export const disposedError = codedError('ERR_OCTAVO_DISPOSED');

/** The result of `body`. An Error that it throws has this code, unless it has one. */
export function withCode<T>(code: ErrorCode, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof Error && !('code' in error)) Object.assign(error, { code });
    throw error;
  }
}
