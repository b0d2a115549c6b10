/** A request that cannot be served: thrown by {@link ModelRepository}, and what the protocols answer as `{"error": message}`. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  /** The HTTP status that says why: 404, the model is not loaded; 400, it cannot be loaded; 503, the repository is closed. */
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** What the client sent is wrong. */
export const badRequest = (message: string): ProtocolError => new ProtocolError(400, message);

/** A value as messages show it: short, however long or deep it is. */
export function quote(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
}

/** URLs are repeated no further. */
const longestUrl = 256;

/** There is nothing that answers such a request. */
export const noRoute = (method: string, url: string): ProtocolError =>
  new ProtocolError(
    404,
    `there is no ${method} ${url.length > longestUrl ? `${url.slice(0, longestUrl)}…` : url}`,
  );
