import { inspect } from 'node:util';

/** @throws Error unless `value` is a whole number from 1. */
export function checkCount(value: unknown, name: string, where: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    throw new Error(`${where}: ${name} must be a whole number above 0, got ${inspect(value)}`);
}

/**
 * What it becomes a part of is computed in float32, where larger numbers are infinite.
 * @throws Error unless `value` is a number that `isRight` accepts; `must` says which that is.
 */
export function checkNumber(
  value: unknown,
  name: string,
  where: string,
  must: string,
  isRight: (value: number) => boolean,
): void {
  if (!Number.isFinite(value) || !isRight(value as number))
    throw new Error(`${where}: ${name} must be ${must}, got ${inspect(value)}`);
  if (!Number.isFinite(Math.fround(value as number)))
    throw new Error(`${where}: ${name} must be finite in float32, got ${value}`);
}

/** @throws Error unless `value` is a number from 0. */
export const checkAmount = (value: unknown, name: string, where: string): void =>
  checkNumber(value, name, where, '0 or more', (amount) => amount >= 0);

/** @throws Error unless `value` is two numbers that `isRight` accepts. */
export function checkPair(
  value: unknown,
  name: string,
  where: string,
  must: string,
  isRight: (value: number) => boolean,
): void {
  if (!Array.isArray(value) || value.length !== 2)
    throw new Error(`${where}: ${name} must be two numbers, got ${inspect(value)}`);
  for (const each of value) checkNumber(each, name, where, must, isRight);
}

/** @throws Error unless `path` is text that can name a file. */
export function checkPath(path: unknown, name: string, where: string): void {
  if (typeof path !== 'string' || path === '')
    throw new Error(`${where}: ${name} must be a path, got ${inspect(path)}`);
}

/** @throws Error unless `state` is an object: what a `stateDict` gave has the fields that are checked next. */
export function checkState(state: unknown, where: string): void {
  if (typeof state !== 'object' || state === null)
    throw new Error(`${where}: the state must be what stateDict() gave, got ${inspect(state)}`);
}
