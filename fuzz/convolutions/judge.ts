import { compile, type Tensor } from '../../lib/index.ts';
import type { Fault, Kind } from '../kind.ts';
import { drawLayerProblem } from './draw.ts';
import { graphOf } from './graph.ts';
import type { LayerProblem } from './problem.ts';
import { type Exact, exactResults } from './reference.ts';
import { numbersOf, tensorsOf } from './tensors.ts';

/** Convolutions of one and two dimensions and linear layers, with their fusions, against sums in float64. */
export const convolutions: Kind<LayerProblem> = {
  draw: drawLayerProblem,
  describe: (problem) => JSON.stringify(problem),
  judge,
};

async function judge(problem: LayerProblem): Promise<Fault[]> {
  const tensors = tensorsOf(problem);
  const module = graphOf(problem, tensors);
  const exact = exactResults(problem, tensors);
  const inputs = [tensors.x, ...(tensors.addend ? [tensors.addend] : [])];
  const shapes = inputs.map(({ shape }) => shape);
  const results: Tensor[] = [];
  for (const threadsPerStream of [1, 2]) {
    // Left to itself, a plan as small as this one does not use two threads.
    const tuning = {
      layers: [],
      parts: [],
      kernels: [],
      threads: [{ shapes, choice: threadsPerStream, times: {} }],
    };
    const faults: Fault[] = [];
    try {
      using model = compile(module, { threadsPerStream, tuning });
      const run = async () => Object.values(await model.run(inputs))[0];
      const [result, again] = [await run(), await run()];
      results.push(result);
      const names = Object.fromEntries(model.inputs.map(({ name }, i) => [name, shapes[i]]));
      const kernels = model
        .plan(names)
        .steps.map(({ implementation }) => implementation)
        .join(' ');
      const mismatch = mismatchOf(result, exact, problem);
      if (mismatch)
        faults.push({ fault: 'wrong', detail: `${mismatch}, ${threadsPerStream} threads, ${kernels}` });
      if (!sameBytes(result, again))
        faults.push({ fault: 'repeat', detail: `a second run differs, ${kernels}` });
      if (/\bref\b/.test(kernels)) faults.push({ fault: 'reference kernel', detail: kernels });
      if (faults.length > 0) return faults;
    } catch (error) {
      return [{ fault: 'refused', detail: (error as Error).message }];
    }
  }
  // Threads may share out a sum of floats, and round it otherwise: then each result is within its bound, as found above.
  return problem.variant === 'int8' && !sameBytes(results[0], results[1])
    ? [{ fault: 'threads', detail: '1 and 2 threads differ' }]
    : [];
}

const sameBytes = (a: Tensor, b: Tensor) => Buffer.compare(a.bytes(), b.bytes()) === 0;

/**
 * How far a result may be from the exact one. All kernels compute in float32: a few roundings of 2^-24 of what is added
 * up, n of them in a sum of n floats at worst, and polynomials that stand for functions, good to some 1e-5. What a zero point
 * adds to a sum and is taken off again is rounded up to four times. An integer is rounded from all that. A bfloat16 number has
 * 8 bits: the result is rounded to it, and before an addition that is a step of its own the sum is, too: half of 2^-8 each.
 */
function bound({ variant, layer, y }: LayerProblem, exact: Exact, i: number): number {
  const channel = Math.floor((i * layer.batch * layer.outputs) / exact.values.length) % layer.outputs;
  const computed = 1e-5 * (1 + exact.magnitudes[i]) + 4 * 2 ** -24 * exact.zeroPointShares[channel];
  if (y.dtype === 'uint8' || y.dtype === 'int8') return 0.5 * y.scale + computed;
  return variant === 'bfloat16'
    ? computed + 2 ** -8 * (exact.summands[i] + Math.abs(exact.values[i]))
    : computed;
}

/** The result that is furthest from the exact one in units of its bound, if it is out of bounds. */
function mismatchOf(result: Tensor, exact: Exact, problem: LayerProblem): string | undefined {
  const { dtype, scale, zeroPoint } = problem.y;
  const [low, high] = dtype === 'uint8' ? [0, 255] : dtype === 'int8' ? [-128, 127] : [-Infinity, Infinity];
  const got = numbersOf(result);
  if (got.length !== exact.values.length) return `${got.length} results instead of ${exact.values.length}`;
  let [worst, at, wrong] = [0, -1, 0];
  for (let i = 0; i < got.length; i++) {
    const expected = Math.min(
      Math.max(exact.values[i], (low - zeroPoint) * scale),
      (high - zeroPoint) * scale,
    );
    const excess = Math.abs((got[i] - zeroPoint) * scale - expected) / bound(problem, exact, i);
    // NaN is out of bounds, too.
    if (excess <= 1) continue;
    wrong++;
    if (at < 0 || excess > worst) [worst, at] = [excess, i];
  }
  if (wrong === 0) return undefined;
  const expected = exact.values[at] / scale + zeroPoint;
  return `${wrong} of ${got.length}, at ${at} ${got[at]} instead of ${expected}`;
}
