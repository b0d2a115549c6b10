import { onnxDataTypes } from '../../lib/capture/onnx/dtype.ts';
import { encodeOnnxModel, type OnnxModel } from '../../lib/capture/onnx/schema.ts';
import { type DType, Tensor } from '../../lib/tensor/index.ts';

/** An attribute: whole numbers are ints, strings and lists of whole numbers what they look like. */
export type TestAttribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | Tensor
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly graph: TestGraph }
  | { readonly ref: string };

export interface TestNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, TestAttribute>>;
  readonly name?: string;
  readonly domain?: string;
}

/** Sizes are numbers, or names. */
export type TestShape = readonly (number | string)[];

export interface TestGraph {
  readonly nodes: readonly TestNode[];
  readonly inputs?: Readonly<Record<string, readonly [DType, TestShape]>>;
  readonly outputs: readonly string[];
  readonly initializers?: Readonly<Record<string, Tensor>>;
}

export interface TestFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: readonly string[];
  readonly nodes: readonly TestNode[];
}

export interface TestModel extends TestGraph {
  readonly opset: number;
  readonly otherOpsets?: Readonly<Record<string, number>>;
  readonly functions?: readonly TestFunction[];
}

const bytes = (text: string) => new TextEncoder().encode(text);

function attribute([name, value]: readonly [string, TestAttribute]): object {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: bytes(value) };
  if (value instanceof Tensor) return { name, type: 4, t: tensorMessage('', value) };
  if (Array.isArray(value))
    return typeof value[0] === 'string'
      ? { name, type: 8, strings: value.map((each) => bytes(String(each))) }
      : { name, type: 7, ints: value };
  if ('float' in value) return { name, type: 1, f: value.float };
  if ('floats' in value) return { name, type: 6, floats: value.floats };
  if ('ref' in value) return { name, type: 2, refAttrName: value.ref };
  return { name, type: 5, g: graphMessage((value as { readonly graph: TestGraph }).graph) };
}

export const tensorMessage = (name: string, tensor: Tensor): object => ({
  name,
  dataType: onnxDataTypes[tensor.dtype],
  dims: tensor.shape,
  rawData: tensor.bytes(),
});

const nodeMessage = ({ op, inputs, outputs, attributes = {}, name = '', domain = '' }: TestNode): object => ({
  name,
  domain,
  opType: op,
  input: inputs,
  output: outputs,
  attribute: Object.entries(attributes).map(attribute),
});

function graphMessage({ nodes, inputs = {}, outputs, initializers = {} }: TestGraph): object {
  return {
    name: 'test',
    node: nodes.map(nodeMessage),
    initializer: Object.entries(initializers).map(([name, tensor]) => tensorMessage(name, tensor)),
    input: Object.entries(inputs).map(([name, [dtype, shape]]) => ({
      name,
      type: {
        tensorType: {
          elemType: onnxDataTypes[dtype],
          shape: {
            dim: shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size })),
          },
        },
      },
    })),
    output: outputs.map((name) => ({ name })),
  };
}

/** The message of a model, to be encoded as it is or changed first. */
export function modelMessage({ opset, otherOpsets = {}, functions = [], ...graph }: TestModel): object {
  return {
    irVersion: 8,
    producerName: 'test',
    opsetImport: [
      { domain: '', version: opset },
      ...Object.entries(otherOpsets).map(([domain, version]) => ({ domain, version })),
    ],
    graph: graphMessage(graph),
    functions: functions.map(({ name, domain, inputs, outputs, attributes = [], nodes }) => ({
      name,
      domain,
      input: inputs,
      output: outputs,
      attribute: attributes,
      node: nodes.map(nodeMessage),
      opsetImport: [{ domain: '', version: opset }],
    })),
  };
}

export const encode = (message: object): Uint8Array => encodeOnnxModel(message as OnnxModel);

/** The bytes of a `.onnx` file. */
export const onnxModel = (model: TestModel): Uint8Array => encode(modelMessage(model));

/** Seeded values in [-1, 1). */
export function randomTensor(shape: readonly number[], seed = 1): Tensor {
  let state = seed;
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return new Tensor('float32', values, shape);
}
