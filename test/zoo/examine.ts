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
  /** The largest difference of float results, relative to the largest result. */
  readonly floatError: number;
  /** Signal to noise of int8 results beside PyTorch's float results, in dB. */
  readonly decibels: number;
  readonly pytorchDecibels: number;
  /** Whether the same tensors are quantized as in PyTorch. */
  readonly isAlike: boolean;
  /** How they are quantized otherwise. */
  readonly remark: string;
}

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
  const result = { floatError: Number.NaN, decibels: Number.NaN, pytorchDecibels: Number.NaN, ...alike };
  try {
    const arrays = await loadNpz(join(folder, `${name}.npz`));
    const x = arrays.get('x')!;
    const float = numbered(arrays, 'float');
    const captured = await loadPt2(join(folder, `${name}.pt2`));
    result.floatError = errorOf(await run(captured, x), float);
    const prepared = preparePt2e(
      captured,
      new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ recipe })),
    );
    await calibrate(prepared, numbered(arrays, 'calibration'));
    const converted = convertPt2e(prepared);
    Object.assign(result, compareQuantization(converted, exported));
    result.decibels = decibelsOf(await run(converted, x), float);
    const theirs = numbered(arrays, 'int8');
    if (theirs.length) result.pytorchDecibels = decibelsOf(theirs, float);
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

async function run(module: GraphModule, x: Tensor): Promise<Tensor[]> {
  using model = compile(lower(module).module);
  return Object.values(await model.run(x));
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

function decibelsOf(got: readonly Tensor[], expected: readonly Tensor[]): number {
  checkShapes(got, expected);
  let [signal, noise] = [0, 0];
  expected.forEach(({ data }, i) => {
    for (let at = 0; at < data.length; at++) {
      signal += Number(data[at]) ** 2;
      noise += (Number(data[at]) - Number(got[i].data[at])) ** 2;
    }
  });
  return 10 * Math.log10(signal / noise);
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
