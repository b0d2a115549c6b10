import type { PlanDesc } from '../native/addon-types.ts';
import { multiplyAdds } from './work.ts';

/**
 * Whether all products of a plan are of 8-bit integers. Their sums are exact, so it does not matter in which order a kernel adds
 * them up: results are the same bits in batches of any size and on any number of threads.
 */
export function sumsExactly({ values, steps }: PlanDesc): boolean {
  return steps.every(({ op, inputs, outputs }) => {
    const [operands, results] = [inputs, outputs].map((indices) => indices.map((index) => values[index]));
    const dtype = operands[0]?.dtype;
    return (
      dtype === 'uint8' || dtype === 'int8' || multiplyAdds({ op, inputs: operands, outputs: results }) === 0
    );
  });
}
