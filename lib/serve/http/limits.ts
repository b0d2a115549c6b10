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

/** As {@link HttpLimits} says. */
export const defaultLimits: Required<HttpLimits> = {
  bodyLimit: 64 * 2 ** 20,
  maxHeaderSize: 16 * 2 ** 10,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  responseTimeout: 60_000,
  keepAliveTimeout: 72_000,
  maxConnections: 0,
};

/** What timers of Node take: more would pass at once. */
const longest = 2 ** 31 - 1;

/** @throws Error that names an option of `serve` which is no time in milliseconds that a timer takes. */
export const checkTime = (name: string, value: number): void => checkWhole(name, value, longest);

/**
 * The limits that are given, and the defaults of the others.
 * @throws Error that names a limit which is none, or that says which do not go together.
 */
export function limitsOf(given: HttpLimits): Required<HttpLimits> {
  const names = Object.keys(defaultLimits) as (keyof HttpLimits)[];
  const limits = Object.fromEntries(names.map((name) => [name, given[name] ?? defaultLimits[name]]));
  for (const [name, value] of Object.entries(limits)) {
    if (name.endsWith('Timeout')) checkTime(name, value);
    else checkWhole(name, value, Number.MAX_SAFE_INTEGER);
  }
  const { headersTimeout, requestTimeout } = limits;
  if (requestTimeout > 0 && headersTimeout > requestTimeout)
    throw new Error(
      `serve: headersTimeout, ${headersTimeout} ms, must not be above requestTimeout, ${requestTimeout} ms, of which it is a part`,
    );
  return limits as Required<HttpLimits>;
}

function checkWhole(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw new Error(`serve: ${name} must be a whole number from 0 to ${most}, got ${value}`);
}
