import { checkSignal } from '../abort.ts';
import { bindInputs, type ModelInputs } from '../graph/index.ts';
import type { CompiledModel } from '../runtime/index.ts';
import { median } from '../statistics.ts';
import { isFloatingPoint, Tensor } from '../tensor/index.ts';
import { takeTurns } from '../tuning/race.ts';

const where = 'quantizeWithAccuracyControl';

/** A batch, and what the float model returns for it. */
export interface Expected {
  readonly batch: ModelInputs;
  readonly outputs: readonly Tensor[];
}

/** Runs the float model over all batches. */
export async function expectedOutputs(
  float: CompiledModel,
  batches: readonly ModelInputs[],
  signal: AbortSignal | undefined,
): Promise<readonly Expected[]> {
  const expected: Expected[] = [];
  for (const [number, batch] of batches.entries()) {
    checkSignal(signal, where);
    const results = await float.run(batch).catch((error: Error) => {
      throw new Error(`${where}: calibration batch ${number}: ${error.message}`, { cause: error });
    });
    expected.push({ batch, outputs: float.outputs.map(({ name }) => results[name]) });
  }
  return expected;
}

/**
 * How far a model's outputs are from the float model's: `|y - y'| / |y|` of each output and sample, on average. Each sample counts
 * the same, so that a single one with large outputs does not hide what happens to all others. Samples for which the float model
 * returns only zeros are left out. Of integers and truth values, which may name classes, it is the share that differs.
 * @throws Error (rejects) that names the output with a value that is not a finite number, or when all are 0.
 */
export async function outputErrorOf(
  model: CompiledModel,
  expected: readonly Expected[],
  signal: AbortSignal | undefined,
): Promise<number> {
  let [sum, count] = [0, 0];
  for (const { batch, outputs } of expected) {
    checkSignal(signal, where);
    const actual = await model.run(batch);
    for (const [i, { name, shape }] of model.outputs.entries()) {
      const samples = typeof shape[0] === 'number' || shape.length === 0 ? 1 : outputs[i].shape[0];
      for (const error of relativeErrors(outputs[i], actual[name], samples, name)) {
        sum += error;
        count++;
      }
    }
  }
  if (count === 0)
    throw new Error(
      `${where}: the float model returns only zeros for the calibration data: there is no error relative to them`,
    );
  return sum / count;
}

function relativeErrors(x: Tensor, y: Tensor, samples: number, name: string): readonly number[] {
  const [expected, actual] = [numbersOf(x), numbersOf(y)];
  if (expected.length !== actual.length)
    throw new Error(
      `${where}: output '${name}' is [${x.shape.join(', ')}] in the float model and [${y.shape.join(', ')}] in the quantized one: ` +
        'outputs whose size depends on values cannot be compared',
    );
  const size = expected.length / samples;
  if (!isFloatingPoint(x.dtype)) return sharesOfDifferent(expected, actual, size);
  const errors: number[] = [];
  for (let start = 0; start < expected.length; start += size) {
    let [signal, noise] = [0, 0];
    for (let i = start; i < start + size; i++) {
      signal += expected[i] ** 2;
      noise += (expected[i] - actual[i]) ** 2;
    }
    if (!Number.isFinite(signal + noise))
      throw new Error(
        `${where}: output '${name}' has a value that is not a finite number, on calibration data`,
      );
    if (signal > 0) errors.push(Math.sqrt(noise / signal));
  }
  return errors;
}

function sharesOfDifferent(
  expected: ArrayLike<number>,
  actual: ArrayLike<number>,
  size: number,
): readonly number[] {
  const shares: number[] = [];
  for (let start = 0; start < expected.length; start += size) {
    let different = 0;
    for (let i = start; i < start + size; i++) if (expected[i] !== actual[i]) different++;
    shares.push(different / size);
  }
  return shares;
}

const numbersOf = (tensor: Tensor): ArrayLike<number> =>
  tensor.data instanceof Float32Array ? tensor.data : tensor.toArray().map(Number);

/** The time of a model relative to the float model's: medians of runs in turns. */
export function relativeTimeOf(float: CompiledModel, model: CompiledModel, inputs: ModelInputs): number {
  const time = (each: CompiledModel) => {
    const start = performance.now();
    each.runSync(inputs);
    return performance.now() - start;
  };
  const { current, challenger } = takeTurns(float, model, time);
  return median(challenger) / median(current);
}

/** The first sample of a batch, where requests choose how many there are: what a service runs most. */
export function oneSample({ inputs, rangeConstraints }: CompiledModel, batch: ModelInputs): ModelInputs {
  return bindInputs(inputs, batch, rangeConstraints).map(({ dtype, data, shape, numel }, i) =>
    typeof inputs[i].shape[0] === 'number' || shape.length === 0 || numel === 0
      ? new Tensor(dtype, data, shape)
      : new Tensor(dtype, data.subarray(0, numel / shape[0]), [1, ...shape.slice(1)]),
  );
}
