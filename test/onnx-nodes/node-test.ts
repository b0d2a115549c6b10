import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { operators } from '../../lib/aten/index.ts';
import { exportOnnx, loadOnnx } from '../../lib/capture/index.ts';
import { rawContent, type TensorMessage } from '../../lib/capture/onnx/reader/messages.ts';
import { halfToFloat, readTensor } from '../../lib/capture/onnx/reader/tensors.ts';
import { decodeOnnx } from '../../lib/capture/onnx/schema.ts';
import { type GraphModule, Interpreter, tensorMeta } from '../../lib/graph/index.ts';
import { FileTensors } from '../../lib/native/file-tensors.ts';
import { bfloat16ToFloat, type DType, isFloatingPoint, Tensor } from '../../lib/tensor/index.ts';
import { graphDifference } from '../support/same-graph.ts';

/** How one of ONNX's own tests came out, or its way there and back. */
interface Outcome {
  readonly status: 'passed' | 'refused' | 'failed' | 'differs' | 'skipped';
  /** Why it did not pass. */
  readonly message: string;
}

export interface NodeTestResult extends Outcome {
  readonly name: string;
  /**
   * What became of a test that passed when it was exported, loaded again and run once more, by operator set: refused where
   * it cannot be exported, and `differs` where the results are right but the graph is another one.
   */
  readonly roundTrips: Readonly<Record<number, Outcome>>;
}

/** Operator sets that are written. */
export const writtenOpsets = [13, 21] as const;

/** The tolerances of ONNX's own test runner. */
const [relative, absolute] = [1e-3, 1e-7];
/** Of float16, in which the expected results were computed step by step, and which Octavo computes in float32. */
const [relativeOfHalves, absoluteOfHalves] = [1e-2, 2e-3];
/** Of bfloat16: before 1.18 the tests' data was cut off instead of rounded. */
const relativeOfBfloat16 = 2 ** -7;
/** Octavo multiplies with 1/scale, as PyTorch does, where ONNX divides: a number between two steps may be rounded otherwise. */
const ofSteps = 1;
/** Results that cancel out are as exact as what they are made of. */
const ofLargest = 1e-6;

/** Tests whose data contradicts the specification: results of integers beyond the dtype wrap around instead of saturating. */
const wrongData = /^node\/test_qlinearmatmul_(2D_int8|3D_int8|2D_uint8_float16|3D_uint8_float16)/;

const FLOAT16 = 10;

/** @throws Error when the file holds a sequence or something else that is not a tensor of Octavo's dtypes. */
function readTensorFile(path: string): Tensor {
  const message = decodeOnnx('TensorProto', readFileSync(path)) as TensorMessage;
  const tensor = readTensor(message, { contentOf: rawContent, inFile: new FileTensors() });
  if (message.dataType !== FLOAT16 || !Object.hasOwn(message, 'rawData')) return tensor;
  return Tensor.fromBytes('float16', new Uint8Array(message.rawData), tensor.shape);
}

function readTensors(folder: string, kind: string): Tensor[] {
  const names = readdirSync(folder).filter((name) => name.startsWith(`${kind}_`) && name.endsWith('.pb'));
  return names.map((_, i) => readTensorFile(join(folder, `${kind}_${i}.pb`)));
}

/** Inputs that shapes depend on must be known: each way binds more of them. */
const ways: readonly ((index: number, tensor: Tensor) => boolean)[] = [
  () => false,
  (index, { dtype }) => index > 0 && !isFloatingPoint(dtype),
  (index) => index > 0,
  () => true,
];

async function load(path: string, inputs: readonly Tensor[], names: readonly string[]): Promise<GraphModule> {
  // In files a size of 0 may stand for an unknown one; here it is 0.
  const shapes = Object.fromEntries(
    names.flatMap((name, i) => (inputs[i]?.shape.includes(0) ? [[name, inputs[i].shape]] : [])),
  );
  let reason: unknown;
  for (const isBound of ways) {
    const bind = Object.fromEntries(
      names.flatMap((name, i) => (inputs[i] && isBound(i, inputs[i]) ? [[name, inputs[i]]] : [])),
    );
    try {
      return await loadOnnx(path, { bind, shapes });
    } catch (error) {
      reason ??= error;
      if (!/known when the file is read|needs a size known/.test((error as Error).message)) throw error;
    }
  }
  throw reason;
}

/** Inputs of a test by name, and what must come out. */
interface TestData {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: readonly Tensor[];
}

function check(name: string, module: GraphModule, data: readonly TestData[]): Outcome {
  try {
    for (const { inputs, outputs } of data) {
      const given = module.graph.placeholders.map((node) =>
        asDeclared(inputs.get(node.target)!, tensorMeta(node)?.dtype),
      );
      const results = new Interpreter(module, operators).run(given);
      const isQuantized = /quantize|qlinear/.test(name);
      const wrong = outputs
        .map((output, i) => difference(results[i], asDeclared(output, results[i].dtype), isQuantized))
        .find(Boolean);
      if (wrong) return { status: 'failed', message: wrong };
    }
    return { status: 'passed', message: '' };
  } catch (error) {
    return { status: 'failed', message: (error as Error).message };
  }
}

async function judge(name: string, module: GraphModule, data: readonly TestData[]): Promise<NodeTestResult> {
  const outcome = check(name, module, data);
  const roundTrips: Record<number, Outcome> = {};
  if (outcome.status === 'passed')
    for (const opset of writtenOpsets) roundTrips[opset] = await roundTrip(name, module, data, opset);
  return { name, ...outcome, roundTrips };
}

async function roundTrip(
  name: string,
  module: GraphModule,
  data: readonly TestData[],
  opset: (typeof writtenOpsets)[number],
): Promise<Outcome> {
  let file: Uint8Array;
  try {
    file = exportOnnx(module, { opset });
  } catch (error) {
    return { status: 'refused', message: (error as Error).message };
  }
  try {
    const shapes = module.graph.placeholders.flatMap((node) => {
      const { shape } = tensorMeta(node)!;
      return shape.includes(0)
        ? [[node.target, shape.map((dim) => (typeof dim === 'number' ? dim : String(dim)))]]
        : [];
    });
    const back = await loadOnnx(file, { shapes: Object.fromEntries(shapes) });
    const outcome = check(name, back, data);
    const other = outcome.status === 'passed' ? graphDifference(module, back) : undefined;
    return other ? { status: 'differs', message: other } : outcome;
  } catch (error) {
    return { status: 'failed', message: (error as Error).message };
  }
}

const refused = (name: string, error: unknown, path: string): NodeTestResult => ({
  name,
  status: 'refused',
  message: (error as Error).message.replace(`${path}: `, ''),
  roundTrips: {},
});

/** Runs one test: `model.onnx` with the inputs and outputs beside it. */
export async function runNodeTest(folder: string, name: string): Promise<NodeTestResult> {
  const path = join(folder, 'model.onnx');
  if (wrongData.test(name))
    return { name, status: 'skipped', message: 'its data contradicts the specification', roundTrips: {} };
  const sets = readdirSync(folder).filter((each) => each.startsWith('test_data_set_'));
  try {
    const names = inputNames(path);
    const data = sets.map((set) => {
      const inputs = readTensors(join(folder, set), 'input');
      return { inputs, outputs: readTensors(join(folder, set), 'output') };
    });
    const module = await load(path, data[0]?.inputs ?? [], names);
    return await judge(
      name,
      module,
      data.map(({ inputs, outputs }) => ({
        outputs,
        inputs: new Map(names.map((each, i) => [each, inputs[i]])),
      })),
    );
  } catch (error) {
    return refused(name, error, path);
  }
}

/**
 * Runs one of the networks whose weights were replaced by constants: `NAME.onnx`, the result in `NAME_output_0.pb`. Its
 * input of n elements is 0, 1/n, 2/n, …
 */
export async function runLightTest(path: string, name: string): Promise<NodeTestResult> {
  try {
    const module = await loadOnnx(path);
    const inputs = new Map(
      module.graph.placeholders.map((node) => {
        const shape = tensorMeta(node)!.shape.map((dim) => (typeof dim === 'number' ? dim : 1));
        const count = shape.reduce((a, b) => a * b, 1);
        const data = Float32Array.from({ length: count }, (_, i) => i / count);
        return [node.target, new Tensor('float32', data, shape)];
      }),
    );
    return await judge(name, module, [
      { inputs, outputs: [readTensorFile(path.replace('.onnx', '_output_0.pb'))] },
    ]);
  } catch (error) {
    return refused(name, error, path);
  }
}

/** The tests' files store bfloat16 as uint16. */
function asDeclared(tensor: Tensor, dtype: DType | undefined): Tensor {
  const isBits = tensor.dtype === 'uint16' && dtype === 'bfloat16';
  return isBits ? new Tensor('bfloat16', tensor.data, tensor.shape) : tensor;
}

interface NamedInputs {
  readonly graph: {
    readonly input: readonly { readonly name: string }[];
    readonly initializer: readonly { readonly name: string }[];
  };
}

function inputNames(path: string): readonly string[] {
  const { graph } = decodeOnnx('ModelProto', readFileSync(path)) as NamedInputs;
  const constants = new Set(graph.initializer.map(({ name }) => name));
  return graph.input.map(({ name }) => name).filter((name) => !constants.has(name));
}

/** What is wrong with a result; nothing where it is as it should be. */
function difference(got: Tensor, wanted: Tensor, isQuantized: boolean): string | undefined {
  const [a, b] = [got, wanted].map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`);
  if (a !== b) return `is ${a}, should be ${b}`;
  const [rtol, atol] = tolerances[wanted.dtype] ?? [relative, absolute];
  const [x, y] = [numbersOf(got), numbersOf(wanted)];
  const largest = y.filter(Number.isFinite).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const at = y.findIndex((value, i) => {
    if (Object.is(value, x[i]) || value === x[i] || (Number.isNaN(value) && Number.isNaN(x[i]))) return false;
    if (isQuantized && /^u?int8$/.test(wanted.dtype) && Math.abs(value - x[i]) <= ofSteps) return false;
    return !(Math.abs(value - x[i]) <= atol + rtol * Math.abs(value) + ofLargest * largest);
  });
  return at < 0 ? undefined : `element ${at} is ${x[at]}, should be ${y[at]}`;
}

const tolerances: Partial<Record<DType, readonly [relative: number, absolute: number]>> = {
  float16: [relativeOfHalves, absoluteOfHalves],
  bfloat16: [relativeOfBfloat16, absolute],
};

function numbersOf({ dtype, data }: Tensor): number[] {
  if (dtype === 'bfloat16') return Array.from(bfloat16ToFloat(data as Uint16Array));
  if (dtype === 'float16') return Array.from(data as Uint16Array, halfToFloat);
  return Array.from(data as ArrayLike<number | bigint>, Number);
}
