import type { Effort } from './harness.ts';

/** Options that every bench of models takes, for `parseArgs`. */
export const effortOptions = {
  /** A few short turns: to see that it runs. */
  quick: { type: 'boolean', default: false },
  /** Turns of each contestant at most. */
  rounds: { type: 'string', default: '15' },
  /** Print one JSON document instead of a table. */
  json: { type: 'boolean', default: false },
} as const;

/** @throws Error when `rounds` is no number of rounds. */
export function effortOf({ quick, rounds }: { readonly quick: boolean; readonly rounds: string }): Effort {
  const [count] = positiveIntegers('rounds', rounds);
  return quick
    ? { rounds: Math.min(3, count), turnMilliseconds: 50, heatSeconds: 20 }
    : { rounds: count, turnMilliseconds: 400, heatSeconds: 120 };
}

/** @throws Error that names the option when its value is not a list such as `1,16`. */
export function positiveIntegers(option: string, list: string): number[] {
  const numbers = list.split(',').map(Number);
  if (!numbers.every((value) => Number.isInteger(value) && value > 0))
    throw new Error(`--${option} takes whole numbers of 1 or more, with commas between them; got '${list}'`);
  return numbers;
}
