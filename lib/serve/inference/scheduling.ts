import { badRequest, quote } from '../errors.ts';

/** Triton's parameters of a request that say when it is computed. */
export interface Scheduling {
  /** 1 is first; undefined: the usual one. */
  readonly priority: number | undefined;
  /** How many microseconds it may wait until it is computed; undefined: as long as it takes. */
  readonly timeout: number | undefined;
}

/**
 * Reads the parameters `priority` and `timeout`, 0 being the same as none.
 * @throws ProtocolError when they are no such numbers.
 */
export function schedulingOf(parameters: Readonly<Record<string, unknown>>): Scheduling {
  return {
    priority: numberIn(parameters, 'priority', 255),
    timeout: numberIn(parameters, 'timeout', Number.MAX_SAFE_INTEGER),
  };
}

function numberIn(
  parameters: Readonly<Record<string, unknown>>,
  name: string,
  most: number,
): number | undefined {
  const value = parameters[name];
  if (value === undefined || value === 0) return undefined;
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > most)
    throw badRequest(`parameters.${name} must be a whole number from 0 to ${most}, got ${quote(value)}`);
  return Number(value);
}
