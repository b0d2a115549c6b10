import type { Content } from '../../../formats/content.ts';

/** ONNX's messages as they come out of a file. Absent lists are empty; other absent fields have protobuf's defaults. */

/** A 64-bit integer in two halves, as the protobuf library returns it. */
export interface Int64Message {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/** `onnx.StringStringEntryProto`. */
export interface EntryMessage {
  readonly key: string;
  readonly value: string;
}

/** `onnx.TensorProto`. */
export interface TensorMessage {
  readonly name: string;
  readonly dims: readonly Int64Message[];
  readonly dataType: number;
  readonly rawData: Uint8Array;
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly int64Data: readonly Int64Message[];
  readonly uint64Data: readonly Int64Message[];
  readonly doubleData: readonly number[];
  readonly stringData: readonly Uint8Array[];
  readonly externalData: readonly EntryMessage[];
  readonly dataLocation: number;
}

/** `onnx.SparseTensorProto`: its nonzero elements and where they are. */
export interface SparseTensorMessage {
  readonly values: TensorMessage | null;
  readonly indices: TensorMessage | null;
  readonly dims: readonly Int64Message[];
}

/** `onnx.AttributeProto`. */
export interface AttributeMessage {
  readonly name: string;
  readonly type: number;
  readonly f: number;
  readonly i: Int64Message;
  readonly s: Uint8Array;
  readonly t: TensorMessage | null;
  readonly g: GraphMessage | null;
  readonly floats: readonly number[];
  readonly ints: readonly Int64Message[];
  readonly strings: readonly Uint8Array[];
  readonly sparseTensor: SparseTensorMessage | null;
  /** In a function: the attribute of the call that stands here. */
  readonly refAttrName: string;
}

/** `onnx.NodeProto`. An empty name stands for an input or output left out. */
export interface NodeMessage {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly overload: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly AttributeMessage[];
}

/** `onnx.TensorShapeProto.Dimension`: one of both, or neither. */
export interface DimensionMessage {
  readonly dimValue?: Int64Message;
  readonly dimParam?: string;
}

/** `onnx.ValueInfoProto`; values that are not tensors have no `tensorType`. */
export interface ValueInfoMessage {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly DimensionMessage[] } | null;
    } | null;
  } | null;
}

/** `onnx.GraphProto`. */
export interface GraphMessage {
  readonly name: string;
  readonly node: readonly NodeMessage[];
  readonly initializer: readonly TensorMessage[];
  readonly sparseInitializer: readonly SparseTensorMessage[];
  readonly input: readonly ValueInfoMessage[];
  readonly output: readonly ValueInfoMessage[];
}

/** `onnx.OperatorSetIdProto`. */
export interface OperatorSetMessage {
  readonly domain: string;
  readonly version: Int64Message;
}

/** `onnx.FunctionProto`: an operator that the model brings with it. */
export interface FunctionMessage {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly string[];
  readonly attributeProto: readonly AttributeMessage[];
  readonly node: readonly NodeMessage[];
  readonly opsetImport: readonly OperatorSetMessage[];
}

/** `onnx.ModelProto`. */
export interface ModelMessage {
  readonly irVersion: Int64Message;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly graph: GraphMessage | null;
  readonly opsetImport: readonly OperatorSetMessage[];
  readonly functions: readonly FunctionMessage[];
}

/** The elements in a tensor's own bytes; undefined where these are elsewhere. */
export function rawContent(tensor: TensorMessage): Content | undefined {
  if (!Object.hasOwn(tensor, 'rawData')) return undefined;
  return { length: tensor.rawData.length, read: () => tensor.rawData };
}

/** All 64 bits. */
export function bigIntOf({ low, high, unsigned }: Int64Message): bigint {
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return unsigned ? bits : BigInt.asIntN(64, bits);
}

/** The nearest JavaScript number: integers beyond 2^53 stand for "without an end" in ONNX. */
export function numberOf(value: Int64Message | number): number {
  return typeof value === 'number' ? value : Number(bigIntOf(value));
}
