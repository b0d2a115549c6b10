import {
  calibrate,
  compile,
  convertPt2e,
  exportModel,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  Interpreter,
  lower,
  operators,
  preparePt2e,
  Tensor,
  X86Quantizer,
} from '../../lib/index.ts';
import type { Fault, Kind } from '../kind.ts';
import { drawNetwork } from './draw.ts';
import { Network } from './network.ts';
import type { NetworkProblem } from './problem.ts';

/** Small random networks: their lowered plans against the interpreter, row by row, again, and on two threads. */
export const networks: Kind<NetworkProblem> = {
  draw: drawNetwork,
  describe: (problem) => JSON.stringify(problem),
  judge,
};

const batch = 4;

async function judge(problem: NetworkProblem): Promise<Fault[]> {
  const shape = [batch, ...problem.input];
  const values = Float32Array.from(
    { length: shape.reduce((a, b) => a * b) },
    (_, i) => 3 * Math.sin(1.7 * i + (i % 13)),
  );
  const x = new Tensor('float32', values, shape);
  let stage = 'export';
  try {
    const network = new Network(problem).eval();
    const float = exportModel(network, { x: { dtype: 'float32', shape } }, { dynamicBatch: true });
    stage = 'quantize';
    const module = problem.variant === 'int8' ? await quantized(float, x) : float;
    stage = 'interpret';
    const expected = new Interpreter(module, operators).run([x]);
    stage = 'lower';
    const bfloat16 = { autocast: { dtype: 'bfloat16', force: true } } as const;
    const lowered = lower(module, problem.variant === 'bfloat16' ? bfloat16 : {}).module;
    stage = 'run';
    const exact = new Interpreter(float, operators).run([x]);
    const limits = expected.map((result, i) => limitsOf(problem.variant, errorsOf(result, exact[i])));
    return await judgePlans(lowered, x, expected, limits, roundingsOf(problem.variant));
  } catch (error) {
    return [{ fault: `refused: ${stage}`, detail: (error as Error).message }];
  }
}

async function quantized(float: GraphModule, x: Tensor): Promise<GraphModule> {
  const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig());
  const prepared = preparePt2e(float, quantizer);
  await calibrate(prepared, [x]);
  return convertPt2e(prepared);
}

async function judgePlans(
  module: GraphModule,
  x: Tensor,
  expected: readonly Tensor[],
  allowed: readonly Limits[],
  roundings: Limits,
): Promise<Fault[]> {
  const faults: Fault[] = [];
  const compare = (
    fault: string,
    got: readonly Tensor[],
    wanted: readonly Tensor[],
    limits: Limits | readonly Limits[],
  ) => {
    for (const [i, tensor] of got.entries()) {
      const detail = excessOf(tensor, wanted[i], 'mean' in limits ? limits : limits[i]);
      if (detail) faults.push({ fault, detail: `result ${i}: ${detail}` });
    }
  };
  let first: readonly Tensor[] | undefined;
  for (const threadsPerStream of [1, 2]) {
    // Left to itself, a plan as small as these does not use two threads.
    const threads = [{ shapes: [x.shape], choice: threadsPerStream, times: {} }];
    using model = compile(module, {
      threadsPerStream,
      tuning: { layers: [], parts: [], kernels: [], threads },
    });
    const run = async (input: Tensor) => Object.values(await model.run(input));
    const results = await run(x);
    if (first) {
      compare('threads', results, first, roundings);
      continue;
    }
    first = results;
    compare('wrong', results, expected, allowed);
    const rows: Tensor[][] = [];
    for (let row = 0; row < batch; row++) rows.push(await run(rowOf(x, row)));
    for (let row = 0; row < batch; row++)
      compare(
        'rows',
        rows[row],
        results.map((result) => rowOf(result, row)),
        roundings,
      );
    compare('repeat', await run(x), results, { largest: 0, mean: 0 });
    const kernels = model.plan(x.shape).steps.map(({ implementation }) => implementation);
    const references = kernels.filter((name) => /\bref\b/.test(name));
    if (references.length > 0) faults.push({ fault: 'reference kernel', detail: references.join(' ') });
  }
  return faults;
}

function rowOf({ dtype, data, shape: [count, ...rest] }: Tensor, row: number): Tensor {
  const size = data.length / count;
  return new Tensor(dtype, data.slice(row * size, (row + 1) * size) as Tensor['data'], [1, ...rest]);
}

/** Errors, or those that are allowed, in parts of the largest magnitude that is expected. */
interface Limits {
  readonly largest: number;
  readonly mean: number;
}

/**
 * Sums of floats in another order, a dozen layers deep: a few units of 2^-24 each, multiplied by what follows. Where sums are
 * rounded to bfloat16, one next to the middle of two values may become either, which are 2^-8 apart; these are few.
 */
function roundingsOf(variant: NetworkProblem['variant']): Limits {
  return variant === 'bfloat16' ? { largest: 0.02, mean: 1e-3 } : { largest: 1e-5, mean: 1e-5 };
}

/**
 * Against the interpreter. It quantizes where the plan does, so a value may be rounded to the other side of a tie, a 255th of
 * its range, and layers after it multiply that; nearly all values are the same. Casts to bfloat16 are errors of 2^-9 in
 * every value of every layer. A wrong kernel is wrong by the size of the values. Averages of bytes are ties by the hundreds,
 * though, and a result that is a small difference of large sums feels them: then plan and interpreter may each be as far from
 * the float network as the interpreter is, on either side of it.
 */
function limitsOf(variant: NetworkProblem['variant'], own: Limits): Limits {
  if (variant === 'float32') return { largest: 1e-4, mean: 1e-4 };
  return { largest: Math.max(0.12, 2 * own.largest), mean: Math.max(0.02, 2 * own.mean) };
}

function excessOf(got: Tensor, wanted: Tensor, limits: Limits): string | undefined {
  if (got.dtype !== wanted.dtype || `${got.shape}` !== `${wanted.shape}`)
    return `${got.dtype}[${got.shape}] instead of ${wanted.dtype}[${wanted.shape}]`;
  const { largest, mean } = errorsOf(got, wanted);
  if (largest <= limits.largest && mean <= limits.mean) return undefined;
  return `errors of ${largest} at most and ${mean} in the mean, in parts of the largest value`;
}

/** Errors in parts of the largest magnitude of `wanted`. */
function errorsOf(got: Tensor, wanted: Tensor): Limits {
  const [values, references] = [got.data as Float32Array, wanted.data as Float32Array];
  let [largest, sum, scale] = [0, 0, 1e-6];
  for (let i = 0; i < values.length; i++) {
    const error = Math.abs(values[i] - references[i]);
    // Math.max keeps NaN.
    largest = Math.max(largest, error);
    sum += error;
    scale = Math.max(scale, Math.abs(references[i]));
  }
  return { largest: largest / scale, mean: sum / values.length / scale };
}
