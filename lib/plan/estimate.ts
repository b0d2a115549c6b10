import { bytesMoved, multiplyAdds, type StepOperands } from './work.ts';

/** Rough rates of one core: multiply-adds in a microsecond, of 8-bit integers and of floats. */
const multiplyAddRates = { integer: 200_000, float: 50_000 };

/** Rough rate of one core: bytes moved in a microsecond. */
export const bytesPerMicrosecond = 20_000;

/** Estimates the time for a step's products on one core, in microseconds; 0 if it has none. */
export function productMicroseconds(step: StepOperands): number {
  // What fills a tensor reads none.
  const dtype = step.inputs[0]?.dtype;
  const kind = dtype === 'uint8' || dtype === 'int8' ? 'integer' : 'float';
  return multiplyAdds(step) / multiplyAddRates[kind];
}

/** Estimates the time of a step on one core, in microseconds. */
export function stepMicroseconds(step: StepOperands): number {
  return productMicroseconds(step) + bytesMoved(step) / bytesPerMicrosecond;
}
