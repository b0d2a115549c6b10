/** A request that cannot be served, with the HTTP status that says so. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** What the client sent is wrong. */
export const badRequest = (message: string): ProtocolError => new ProtocolError(400, message);
