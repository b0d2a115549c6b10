import { InvalidArgumentError } from 'commander';

/** Commander parsers for option values; what they refuse is a usage error, exit code 2. */

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

/** `1,32` as a list. */
export function positiveIntegers(text: string): readonly number[] {
  return text.split(',').map(positiveInteger);
}

/** `0.485,0.456,0.406` as a list. */
export function numbers(text: string): readonly number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!values.every(Number.isFinite))
    throw new InvalidArgumentError('It must be one number, or one a channel: 0.485,0.456,0.406.');
  return values;
}

/** A finite number other than 0. */
export function nonZeroNumber(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value) || value === 0) throw new InvalidArgumentError('It must be one number, not 0.');
  return value;
}

/** Finite numbers other than 0. */
export function nonZeroNumbers(text: string): readonly number[] {
  const values = numbers(text);
  if (values.includes(0)) throw new InvalidArgumentError('It must not be 0: it divides.');
  return values;
}

/** A number from 0 to 1. */
export function fraction(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return value;
}

/** A number from 0 on. */
export function nonNegativeNumber(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && Number.isFinite(value)))
    throw new InvalidArgumentError('It must be a number, not below 0.');
  return value;
}

/** A TCP port; 0 for any that is free. */
export function portNumber(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(Number.isInteger(value) && value >= 0 && value <= 65535))
    throw new InvalidArgumentError('It must be a whole number from 0 to 65535.');
  return value;
}
