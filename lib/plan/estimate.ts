import { bytesMoved, multiplyAdds, type StepOperands } from './work.ts';

/** What one core does in a microsecond, roughly: multiply-adds of 8-bit integers and of floats. */
const multiplyAddRates = { integer: 200_000, float: 50_000 };

/** Bytes that one core moves in a microsecond, roughly. */
export const bytesPerMicrosecond = 20_000;

/** An estimate of the time that a step's products take on one core, in microseconds; 0 where it has none. */
export function productMicroseconds(step: StepOperands): number {
  const [{ dtype }] = step.inputs;
  const kind = dtype === 'uint8' || dtype === 'int8' ? 'integer' : 'float';
  return multiplyAdds(step) / multiplyAddRates[kind];
}

/** An estimate of the time that a step takes on one core, in microseconds. */
export function stepMicroseconds(step: StepOperands): number {
  return productMicroseconds(step) + bytesMoved(step) / bytesPerMicrosecond;
}
