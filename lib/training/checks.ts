/** @throws Error unless `value` is a whole number from 1. */
export function checkCount(value: unknown, name: string, where: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    throw new Error(`${where}: ${name} must be a whole number above 0, got ${String(value)}`);
}

/** @throws Error unless `value` is a number that `isRight` accepts; `must` says which that is. */
export function checkNumber(
  value: unknown,
  name: string,
  where: string,
  must: string,
  isRight: (value: number) => boolean,
): void {
  if (!Number.isFinite(value) || !isRight(value as number))
    throw new Error(`${where}: ${name} must be ${must}, got ${String(value)}`);
}
