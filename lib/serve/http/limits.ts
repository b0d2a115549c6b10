/** What a client may cost before its connection is cut. Times are in milliseconds; 0 is no limit. */
export interface HttpLimits {
  /** The largest request in bytes; a larger one is refused with status 413 before it is read. Default 64 MiB. */
  readonly bodyLimit?: number;
  /** The largest head of a request in bytes; a larger one is refused with status 431. Default 16 KiB. */
  readonly maxHeaderSize?: number;
  /** How long a client may take to send the head of a request, from the first byte or since it has connected; then status 408. Default 10 s. */
  readonly headersTimeout?: number;
  /** How long a client may take to send a whole request; then status 408. Default 60 s. */
  readonly requestTimeout?: number;
  /** How long a client may take to read its answer; then its connection is cut. Default 60 s. */
  readonly responseTimeout?: number;
  /** How long a connection stays open without a request. Default 72 s, more than the 60 s of usual load balancers. */
  readonly keepAliveTimeout?: number;
  /** Connections that are open at a time; further ones are closed at once. Default 0. */
  readonly maxConnections?: number;
}

export const defaultLimits: Required<HttpLimits> = {
  bodyLimit: 64 * 2 ** 20,
  maxHeaderSize: 16 * 2 ** 10,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  responseTimeout: 60_000,
  keepAliveTimeout: 72_000,
  maxConnections: 0,
};
