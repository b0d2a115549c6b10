import { createRequire } from 'node:module';
import type protobuf from 'protobufjs';

/**
 * ONNX's protobuf schema, as far as it describes what a model computes: https://onnx.ai/onnx/intro/concepts.html. Field numbers
 * are ONNX's. Documentation, training information and the like are unknown fields here, which readers skip.
 */
const proto = `
  syntax = "proto2";
  package onnx;
  message AttributeProto {
    optional string name = 1;
    optional float f = 2;
    optional int64 i = 3;
    optional bytes s = 4;
    optional TensorProto t = 5;
    optional GraphProto g = 6;
    repeated float floats = 7;
    repeated int64 ints = 8;
    repeated bytes strings = 9;
    optional int32 type = 20;
    optional string ref_attr_name = 21;
    optional SparseTensorProto sparse_tensor = 22;
  }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    optional string name = 3;
    optional string op_type = 4;
    repeated AttributeProto attribute = 5;
    optional string domain = 7;
    optional string overload = 8;
  }
  message StringStringEntryProto {
    optional string key = 1;
    optional string value = 2;
  }
  message TensorProto {
    repeated int64 dims = 1;
    optional int32 data_type = 2;
    repeated float float_data = 4 [packed = true];
    repeated int32 int32_data = 5 [packed = true];
    repeated bytes string_data = 6;
    repeated int64 int64_data = 7 [packed = true];
    optional string name = 8;
    optional bytes raw_data = 9;
    repeated double double_data = 10 [packed = true];
    repeated uint64 uint64_data = 11 [packed = true];
    repeated StringStringEntryProto external_data = 13;
    optional int32 data_location = 14;
  }
  message SparseTensorProto {
    optional TensorProto values = 1;
    optional TensorProto indices = 2;
    repeated int64 dims = 3;
  }
  message TensorShapeProto {
    message Dimension {
      optional int64 dim_value = 1;
      optional string dim_param = 2;
    }
    repeated Dimension dim = 1;
  }
  message TypeProto {
    message Tensor {
      optional int32 elem_type = 1;
      optional TensorShapeProto shape = 2;
    }
    optional Tensor tensor_type = 1;
  }
  message ValueInfoProto {
    optional string name = 1;
    optional TypeProto type = 2;
  }
  message GraphProto {
    repeated NodeProto node = 1;
    optional string name = 2;
    repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12;
    repeated ValueInfoProto value_info = 13;
    repeated SparseTensorProto sparse_initializer = 15;
  }
  message OperatorSetIdProto {
    optional string domain = 1;
    optional int64 version = 2;
  }
  message FunctionProto {
    optional string name = 1;
    repeated string input = 4;
    repeated string output = 5;
    repeated string attribute = 6;
    repeated NodeProto node = 7;
    repeated OperatorSetIdProto opset_import = 9;
    optional string domain = 10;
    repeated AttributeProto attribute_proto = 11;
    optional string overload = 13;
  }
  message ModelProto {
    optional int64 ir_version = 1;
    optional string producer_name = 2;
    optional string producer_version = 3;
    optional GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
    repeated FunctionProto functions = 25;
  }
`;

/** `onnx.AttributeProto.AttributeType`, restricted to the types that are written. */
export const attributeTypes = { float: 1, int: 2, string: 3, ints: 7, strings: 8 } as const;

/** `onnx.AttributeProto`. */
export interface OnnxAttribute {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly ints?: readonly number[];
  readonly strings?: readonly Uint8Array[];
}

/** `onnx.NodeProto`. An empty input name means that an optional input is absent. */
export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly OnnxAttribute[];
}

/** `onnx.TensorProto` with its elements as little-endian bytes. */
export interface OnnxTensor {
  readonly name: string;
  readonly dataType: number;
  readonly dims: readonly number[];
  readonly rawData: Uint8Array;
}

/** `onnx.ValueInfoProto` of a tensor; `dimParam` is a size known only when the model runs. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly ({ dimValue: number } | { dimParam: string })[] };
    };
  };
}

/** `onnx.ModelProto`. */
export interface OnnxModel {
  readonly irVersion: number;
  readonly producerName: string;
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly graph: {
    readonly name: string;
    readonly node: readonly OnnxNode[];
    readonly initializer: readonly OnnxTensor[];
    readonly input: readonly OnnxValueInfo[];
    readonly output: readonly OnnxValueInfo[];
    /** Of values in between. */
    readonly valueInfo: readonly OnnxValueInfo[];
  };
}

let root: protobuf.Root | undefined;

/** Loaded when the first model is written or read: a process that only serves models starts sooner without it. */
function messageType(name: string): protobuf.Type {
  const { parse } = createRequire(import.meta.url)('protobufjs') as typeof protobuf;
  root ??= parse(proto).root;
  return root.lookupType(`onnx.${name}`);
}

/** The model in protobuf's wire format: the content of a `.onnx` file. */
export function encodeOnnxModel(model: OnnxModel): Uint8Array {
  return messageType('ModelProto').encode(model).finish();
}

/** A part of a graph in protobuf's wire format. */
export function encodeOnnxGraph(graph: {
  readonly output: readonly { readonly name: string }[];
}): Uint8Array {
  return messageType('GraphProto').encode(graph).finish();
}

/**
 * A message from protobuf's wire format. Its bytes stay where they are: tensors are views of them.
 * @throws Error when the bytes are not such a message, or are cut short.
 */
export function decodeOnnx(name: 'ModelProto' | 'TensorProto', bytes: Uint8Array): object {
  return messageType(name).decode(bytes);
}
