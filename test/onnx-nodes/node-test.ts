import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { operators } from '../../lib/aten/index.ts';
import { loadOnnx } from '../../lib/capture/index.ts';
import type { TensorMessage } from '../../lib/capture/onnx/reader/messages.ts';
import { readTensor } from '../../lib/capture/onnx/reader/tensors.ts';
import { decodeOnnx } from '../../lib/capture/onnx/schema.ts';
import { type GraphModule, Interpreter, tensorMeta } from '../../lib/graph/index.ts';
import { bfloat16ToFloat, type DType, isFloatingPoint, Tensor } from '../../lib/tensor/index.ts';

/** How one of ONNX's own tests came out. */
export interface NodeTestResult {
  readonly name: string;
  readonly status: 'passed' | 'refused' | 'failed';
  /** Why it did not pass. */
  readonly message: string;
}

/** The tolerances of ONNX's own test runner. */
const [relative, absolute] = [1e-3, 1e-7];
/** Results that cancel out are as exact as what they are made of. */
const ofLargest = 1e-6;

const FLOAT16 = 10;

/** @throws Error when the file holds a sequence or something else that is not a tensor of Octavo's dtypes. */
function readTensorFile(path: string): Tensor {
  const message = decodeOnnx('TensorProto', readFileSync(path)) as TensorMessage;
  const tensor = readTensor(message, () => {
    throw new Error('no external data here');
  });
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
  let reason: unknown;
  for (const isBound of ways) {
    const bind = Object.fromEntries(
      names.flatMap((name, i) => (inputs[i] && isBound(i, inputs[i]) ? [[name, inputs[i]]] : [])),
    );
    try {
      return await loadOnnx(path, { bind });
    } catch (error) {
      reason ??= error;
      if (!/known when the file is read|needs a size known/.test((error as Error).message)) throw error;
    }
  }
  throw reason;
}

/** Runs one test: `model.onnx` with the inputs and outputs beside it. */
export async function runNodeTest(folder: string, name: string): Promise<NodeTestResult> {
  const path = join(folder, 'model.onnx');
  const sets = readdirSync(folder).filter((each) => each.startsWith('test_data_set_'));
  let module: GraphModule;
  const data: { readonly inputs: Tensor[]; readonly outputs: Tensor[] }[] = [];
  const names = inputNames(path);
  try {
    for (const set of sets)
      data.push({
        inputs: readTensors(join(folder, set), 'input'),
        outputs: readTensors(join(folder, set), 'output'),
      });
    module = await load(path, data[0]?.inputs ?? [], names);
  } catch (error) {
    return { name, status: 'refused', message: (error as Error).message.replace(`${path}: `, '') };
  }
  try {
    for (const { inputs, outputs } of data) {
      const given = module.graph.placeholders.map((node) =>
        asDeclared(inputs[names.indexOf(node.target)], tensorMeta(node)?.dtype),
      );
      const results = new Interpreter(module, operators).run(given);
      const wrong = outputs
        .map((output, i) => difference(results[i], asDeclared(output, results[i].dtype)))
        .find(Boolean);
      if (wrong) return { name, status: 'failed', message: wrong };
    }
    return { name, status: 'passed', message: '' };
  } catch (error) {
    return { name, status: 'failed', message: (error as Error).message };
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
function difference(got: Tensor, wanted: Tensor): string | undefined {
  const [a, b] = [got, wanted].map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`);
  if (a !== b) return `is ${a}, should be ${b}`;
  const [x, y] = [numbersOf(got), numbersOf(wanted)];
  const largest = y.filter(Number.isFinite).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const at = y.findIndex((value, i) => {
    if (Object.is(value, x[i]) || value === x[i] || (Number.isNaN(value) && Number.isNaN(x[i]))) return false;
    return !(Math.abs(value - x[i]) <= absolute + relative * Math.abs(value) + ofLargest * largest);
  });
  return at < 0 ? undefined : `element ${at} is ${x[at]}, should be ${y[at]}`;
}

function numbersOf({ dtype, data }: Tensor): number[] {
  if (dtype === 'bfloat16') return Array.from(bfloat16ToFloat(data as Uint16Array));
  return Array.from(data as ArrayLike<number | bigint>, Number);
}
