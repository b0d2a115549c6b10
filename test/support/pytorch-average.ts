import { operators } from '../../lib/aten/index.ts';
import type { OperatorLibrary } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const AVERAGE = 'aten.adaptive_avg_pool2d.default';
const [lanes, rows] = [8, 4];
const add = (a: number, b: number) => Math.fround(a + b);

/** Sums float32 in the order of PyTorch's CPU kernel (ATen/native/cpu/SumKernel.cpp, `vectorized_inner_sum`), for up to 512 contiguous values. */
function sumInOrder(values: Float32Array): number {
  if (values.length > 512) throw new Error('the order of longer sums is not written here');
  const vectors = Math.floor(values.length / lanes);
  const vector = (index: number) => values.subarray(index * lanes, (index + 1) * lanes);
  const partial = Array.from({ length: rows }, () => new Float32Array(lanes));
  const whole = vectors - (vectors % rows);
  for (let i = 0; i < vectors; i++) {
    const sum = partial[i < whole ? i % rows : 0];
    vector(i).forEach((value, lane) => {
      sum[lane] = add(sum[lane], value);
    });
  }
  let sum = 0;
  for (const value of values.subarray(vectors * lanes)) sum = add(sum, value);
  for (let lane = 0; lane < lanes; lane++) {
    let inLane = partial[0][lane];
    for (const row of partial.slice(1)) inLane = add(inLane, row[lane]);
    sum = add(sum, inLane);
  }
  return sum;
}

/**
 * Octavo's operators, but for averages over whole images: their sums are taken in PyTorch's order. The average of quantized values is often
 * exactly between two integers, and then the last bit of the sum decides.
 */
export const pytorchsAverages: OperatorLibrary = {
  has: (target) => operators.has(target),
  get(target) {
    const operator = operators.get(target);
    if (target !== AVERAGE) return operator;
    return {
      schema: operator.schema,
      infer: (args) => operator.infer(args),
      execute(args) {
        const { data, shape } = args.tensor('self');
        if (String(args.numbers('output_size')) !== '1,1') return operator.execute(args);
        const [n, c, h, w] = shape;
        const averages = Float32Array.from({ length: n * c }, (_, i) =>
          Math.fround(sumInOrder((data as Float32Array).subarray(i * h * w, (i + 1) * h * w)) / (h * w)),
        );
        return new Tensor('float32', averages, [n, c, 1, 1]);
      },
    };
  },
};
