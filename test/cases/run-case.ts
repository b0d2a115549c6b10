import { existsSync } from 'node:fs';
import { operators } from '../../lib/aten/index.ts';
import { loadOnnx, loadPt2 } from '../../lib/capture/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import { type GraphModule, Interpreter, type TensorMeta } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { getDefaultX86QuantizationConfig } from '../../lib/quantization/index.ts';
import { quantizeDynamic, quantizeStatic } from '../../lib/recipes/index.ts';
import { type CompiledModel, compile } from '../../lib/runtime/index.ts';
import { bfloat16ToFloat, floatToBfloat16, Tensor } from '../../lib/tensor/index.ts';
import type { Case } from './index.ts';

/** How a case is to be computed. */
export type Quantization = 'static' | 'dynamic' | 'float';

/** What a stage of a case came to: an Error, or how close its results are to PyTorch's in float. */
export interface Outcome {
  /** `load`, `interpreter`, `float`, `static` or `dynamic`; of further inputs with their number, `static run1`. */
  readonly stage: string;
  readonly error?: string;
  /** The signal-to-noise ratio in decibels, of the worst result; 200 where all are equal, -999 where NaN is where it should not be. */
  readonly decibels?: number;
  /** The largest error of a result, relative to the largest magnitude in it. */
  readonly relativeError?: number;
}

/**
 * Who exported a case: a PyTorch with `torch.export`, or with `torch.onnx.export`, whose way through TorchScript is 2.6's and
 * through Dynamo 2.14's. Inputs and results are the same for all.
 */
export type Exporter = '2.6' | '2.14' | 'torchscript' | 'dynamo';

/** Where a case's model is: those of PyTorch 2.6 beside the inputs, others in a folder of their own. */
export function modelOf(folder: string, name: string, exporter: Exporter): string {
  if (exporter === '2.6') return `${folder}/${name}.pt2`;
  if (exporter === '2.14') return `${folder}/pytorch_2.14/${name}.pt2`;
  return `${folder}/${exporter}/${name}.onnx`;
}

const load = (path: string) => (path.endsWith('.onnx') ? loadOnnx(path) : loadPt2(path));

/** Runs a case through every stage: the float graph node by node and compiled, then as it is to be quantized. */
export async function runCase(
  folder: string,
  name: string,
  { quantization, moduleTypes }: Pick<Case, 'quantization' | 'moduleTypes'>,
  exporter: Exporter,
): Promise<Outcome[]> {
  const path = `${folder}/${name}`;
  const outcomes: Outcome[] = [];
  const stage = async (label: string, work: () => unknown): Promise<unknown> => {
    try {
      return await work();
    } catch (error) {
      outcomes.push({ stage: label, error: (error as Error).message });
      return undefined;
    }
  };
  const module = (await stage('load', () => load(modelOf(folder, name, exporter)))) as
    | GraphModule
    | undefined;
  if (!module) return outcomes;
  const runs = await requestsOf(path, module);
  const judge = async (label: string, results: (inputs: readonly Tensor[]) => readonly Tensor[]) => {
    for (const { suffix, inputs, expected } of runs) {
      const at = `${label}${suffix}`;
      const outputs = (await stage(at, () => results(inputs))) as readonly Tensor[] | undefined;
      if (outputs) outcomes.push({ stage: at, ...compare(outputs, expected) });
    }
  };
  const judgeModel = async (label: string, make: () => CompiledModel | Promise<CompiledModel>) => {
    const model = (await stage(label, make)) as CompiledModel | undefined;
    if (!model) return;
    await judge(label, (inputs) => Object.values(model.runSync(inputs)));
    model.dispose();
  };
  await judge('interpreter', (inputs) => new Interpreter(module, operators).run(inputs));
  await judgeModel('float', () => compile(lower(module).module));
  const config = getDefaultX86QuantizationConfig({ isDynamic: quantization === 'dynamic' });
  const options = moduleTypes && {
    overrides: { moduleTypes: moduleTypes.map((type) => [type, config] as const) },
  };
  if (quantization === 'static')
    await judgeModel('static', async () =>
      quantizeStatic(module, await calibrationOf(path, module, runs[0].inputs), options),
    );
  if (quantization === 'dynamic') await judgeModel('dynamic', () => quantizeDynamic(module, options));
  return outcomes;
}

interface Request {
  readonly suffix: string;
  readonly inputs: readonly Tensor[];
  readonly expected: readonly Tensor[];
}

async function requestsOf(path: string, module: GraphModule): Promise<Request[]> {
  const requests: Request[] = [];
  for (let i = -1; i < 0 || existsSync(`${path}.run${i}.in.npz`); i++) {
    const file = i < 0 ? path : `${path}.run${i}`;
    requests.push({
      suffix: i < 0 ? '' : ` run${i}`,
      inputs: await inputsOf(`${file}.in.npz`, module),
      expected: await tensorsOf(`${file}.out.npz`),
    });
  }
  return requests;
}

async function calibrationOf(path: string, module: GraphModule, example: readonly Tensor[]) {
  const batches: (readonly Tensor[])[] = [];
  for (let i = 0; existsSync(`${path}.calib${i}.npz`); i++)
    batches.push(await inputsOf(`${path}.calib${i}.npz`, module));
  return batches.length > 0 ? batches : [example];
}

/** `t0`, `t1`, ... in order. */
async function tensorsOf(file: string): Promise<Tensor[]> {
  const arrays = await loadNpz(file);
  return Array.from(arrays, (_, i) => arrays.get(`t${i}`)!);
}

/** Those that the model takes, in its dtypes: numpy has no bfloat16, and numbers at the end were constants at export. */
async function inputsOf(file: string, { graph }: GraphModule): Promise<Tensor[]> {
  const tensors = await tensorsOf(file);
  return graph.placeholders.map((placeholder, i) => {
    const tensor = tensors[i];
    const wanted = (placeholder.meta.val as TensorMeta).dtype;
    if (wanted !== 'bfloat16' || tensor.dtype !== 'float32') return tensor;
    return new Tensor('bfloat16', floatToBfloat16(tensor.data as Float32Array), tensor.shape);
  });
}

const numbersOf = (tensor: Tensor): number[] =>
  tensor.dtype === 'bfloat16'
    ? [...bfloat16ToFloat(tensor.data as Uint16Array)]
    : tensor.toArray().map(Number);

/** How close results are to PyTorch's. */
function compare(actual: readonly Tensor[], expected: readonly Tensor[]): Omit<Outcome, 'stage'> {
  const shapes = (tensors: readonly Tensor[]) => tensors.map(({ shape }) => `[${shape}]`).join(' ');
  if (shapes(actual) !== shapes(expected))
    return { error: `results of shapes ${shapes(actual)}, PyTorch's have ${shapes(expected)}` };
  const each = expected.map((tensor, i) => compareTensor(numbersOf(actual[i]), numbersOf(tensor)));
  return {
    decibels: Math.min(200, ...each.map(({ decibels }) => decibels)),
    relativeError: Math.max(0, ...each.map(({ relativeError }) => relativeError)),
  };
}

/** Infinities and NaN have to be where PyTorch has them. */
function compareTensor(got: readonly number[], want: readonly number[]) {
  const isSame = (value: number, i: number) => Object.is(value, got[i]) || value === got[i];
  const errors = want.map((value, i) => (isSame(value, i) ? 0 : Math.abs(value - got[i])));
  if (!errors.every(Number.isFinite)) return { decibels: -999, relativeError: Infinity };
  const finite = want.filter(Number.isFinite);
  const power = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
  const largest = finite.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const noise = power(errors);
  return {
    decibels: noise === 0 ? 200 : 10 * Math.log10(power(finite) / noise),
    relativeError: errors.reduce((most, error) => Math.max(most, error), 0) / (largest || 1),
  };
}
