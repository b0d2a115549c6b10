import { join } from 'node:path';
import {
  calibrate,
  compile,
  convertPt2e,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  loadNpz,
  loadPt2,
  lower,
  preparePt2e,
  type Recipe,
  type Tensor,
  X86Quantizer,
} from '../../lib/index.ts';
import type { Exported } from './exporter.ts';

/** How a model came out beside PyTorch. */
export interface Result {
  /** Why Octavo does not run it. */
  readonly refusal?: string;
  /** The largest difference of float results from PyTorch's, relative to the largest result. */
  readonly floatError: number;
  /** The same from PyTorch's float64, of one input. */
  readonly fromDouble: number;
  /** How far PyTorch's own float32 is from it. */
  readonly pytorchFromDouble: number;
  /** Signal to noise of int8 results beside PyTorch's float results, of all inputs together, in dB. */
  readonly decibels: number;
  readonly pytorchDecibels: number;
  /** The mean over the inputs of Octavo's decibels less PyTorch's. */
  readonly difference: Estimate;
  /** Whether the same tensors are quantized as in PyTorch. */
  readonly isAlike: boolean;
  /** How they are quantized otherwise. */
  readonly remark: string;
}

/** A mean of samples and its standard error. */
export interface Estimate {
  readonly mean: number;
  readonly error: number;
}

const unknown = {
  floatError: Number.NaN,
  fromDouble: Number.NaN,
  pytorchFromDouble: Number.NaN,
  decibels: Number.NaN,
  pytorchDecibels: Number.NaN,
  difference: { mean: Number.NaN, error: Number.NaN },
};

const alike: Pick<Result, 'isAlike' | 'remark'> = { isAlike: true, remark: '' };

type Arrays = ReadonlyMap<string, Tensor>;

const messageOf = (error: unknown) => (error as Error).message.replace(/\s+/g, ' ');

/** Loads, runs, quantizes and runs a model that Python exported. Errors of Octavo are results. */
export async function examine(
  name: string,
  folder: string,
  exported: Exported,
  recipe: Recipe,
): Promise<Result> {
  const result: { -readonly [Key in keyof Result]: Result[Key] } = { ...unknown, ...alike };
  try {
    const arrays = await loadNpz(join(folder, `${name}.npz`));
    const inputs = numbered(arrays, 'x');
    const float = inputs.map((_, i) => numbered(arrays, `float_${i}`));
    const captured = await loadPt2(join(folder, `${name}.pt2`));
    const results = await run(captured, inputs);
    const double = numbered(arrays, 'float64');
    result.floatError = Math.max(...float.map((expected, i) => errorOf(results[i], expected)));
    result.fromDouble = errorOf(results[0], double);
    result.pytorchFromDouble = errorOf(float[0], double);
    const prepared = preparePt2e(
      captured,
      new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ recipe })),
    );
    if (prepared.modules.size === 0 && exported.activations?.length === 0)
      return { ...result, remark: 'has nothing that either quantizes' };
    await calibrate(prepared, numbered(arrays, 'calibration'));
    const converted = convertPt2e(prepared);
    Object.assign(result, compareQuantization(converted, exported));
    const noises = (await run(converted, inputs)).map((got, i) => noiseOf(got, float[i]));
    result.decibels = decibelsOf(noises);
    if (!exported.activations) return result;
    const theirs = float.map((expected, i) => noiseOf(numbered(arrays, `int8_${i}`), expected));
    result.pytorchDecibels = decibelsOf(theirs);
    result.difference = meanOf(noises.map((noise, i) => decibelsOf([noise]) - decibelsOf([theirs[i]])));
    return result;
  } catch (error) {
    return { ...result, refusal: messageOf(error) };
  }
}

function numbered(arrays: Arrays, name: string): Tensor[] {
  const list: Tensor[] = [];
  for (let i = 0; arrays.has(`${name}_${i}`); i++) list.push(arrays.get(`${name}_${i}`)!);
  return list;
}

async function run(module: GraphModule, inputs: readonly Tensor[]): Promise<Tensor[][]> {
  using model = compile(lower(module).module);
  const results: Tensor[][] = [];
  for (const x of inputs) results.push(Object.values(await model.run(x)));
  return results;
}

function checkShapes(got: readonly Tensor[], expected: readonly Tensor[]): void {
  const shapes = (tensors: readonly Tensor[]) => tensors.map(({ shape }) => `[${shape}]`).join(', ');
  if (shapes(got) !== shapes(expected))
    throw new Error(`the results have shapes ${shapes(got)}, PyTorch's ${shapes(expected)}`);
}

function errorOf(got: readonly Tensor[], expected: readonly Tensor[]): number {
  checkShapes(got, expected);
  const errors = expected.map(({ data }, i) => {
    let [largest, difference] = [0, 0];
    for (let at = 0; at < data.length; at++) {
      const value = Number(data[at]);
      largest = Math.max(largest, Math.abs(value));
      difference = Math.max(difference, Math.abs(Number(got[i].data[at]) - value));
    }
    return difference / largest;
  });
  return Math.max(...errors);
}

/** Sums of squares. */
interface Noise {
  readonly signal: number;
  readonly noise: number;
}

function noiseOf(got: readonly Tensor[], expected: readonly Tensor[]): Noise {
  checkShapes(got, expected);
  let [signal, noise] = [0, 0];
  expected.forEach(({ data }, i) => {
    for (let at = 0; at < data.length; at++) {
      signal += Number(data[at]) ** 2;
      noise += (Number(data[at]) - Number(got[i].data[at])) ** 2;
    }
  });
  return { signal, noise };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const decibelsOf = (parts: readonly Noise[]) =>
  10 * Math.log10(sum(parts.map(({ signal }) => signal)) / sum(parts.map(({ noise }) => noise)));

function meanOf(samples: readonly number[]): Estimate {
  const mean = sum(samples) / samples.length;
  const variance = sum(samples.map((sample) => (sample - mean) ** 2)) / (samples.length - 1);
  return { mean, error: Math.sqrt(variance / samples.length) };
}

/** Says how many tensors and weights are quantized, and how far scales are apart, where that is not as in PyTorch. */
function compareQuantization(
  { graph }: GraphModule,
  { activations, weights }: Exported,
): Pick<Result, 'isAlike' | 'remark'> {
  if (!activations) return alike;
  const calls = (operator: string) =>
    graph.nodes.filter(({ target }) => target.startsWith(`quantized_decomposed.${operator}.`));
  const ours = calls('quantize_per_tensor').map(({ args }) => [Number(args[1]), Number(args[2])]);
  const oursWeights = calls('dequantize_per_channel').length;
  if (ours.length !== activations.length || oursWeights !== weights)
    return {
      isAlike: false,
      remark: `quantizes ${ours.length} activations and ${oursWeights} weights, PyTorch ${activations.length} and ${weights}`,
    };
  const apart = ours.map(([scale], i) => Math.abs(scale / activations[i][0] - 1));
  const worst = Math.max(0, ...apart);
  return worst > 0.01
    ? { isAlike: true, remark: `scales differ by up to ${(100 * worst).toFixed(1)} %` }
    : alike;
}
