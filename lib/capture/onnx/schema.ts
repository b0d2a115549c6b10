import { createRequire } from 'node:module';
import type protobuf from 'protobufjs';

/**
 * The part of ONNX's protobuf schema that a network without control flow needs:
 * https://onnx.ai/onnx/intro/concepts.html. Field numbers are ONNX's. Readers skip unknown fields.
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
    repeated int64 ints = 8;
    optional int32 type = 20;
  }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    optional string name = 3;
    optional string op_type = 4;
    repeated AttributeProto attribute = 5;
    optional string domain = 7;
  }
  message TensorProto {
    repeated int64 dims = 1;
    optional int32 data_type = 2;
    optional string name = 8;
    optional bytes raw_data = 9;
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
  }
  message OperatorSetIdProto {
    optional string domain = 1;
    optional int64 version = 2;
  }
  message ModelProto {
    optional int64 ir_version = 1;
    optional string producer_name = 2;
    optional GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
  }
`;

/** `onnx.AttributeProto.AttributeType`, restricted to the types that are written. */
export const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** `onnx.AttributeProto`. */
export interface OnnxAttribute {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly ints?: readonly number[];
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
  };
}

let modelType: protobuf.Type | undefined;

/** Loaded when the first model is written: a process that only serves models starts sooner without it. */
function modelTypeOf(): protobuf.Type {
  const { parse } = createRequire(import.meta.url)('protobufjs') as typeof protobuf;
  modelType ??= parse(proto).root.lookupType('onnx.ModelProto');
  return modelType;
}

/** The model in protobuf's wire format: the content of a `.onnx` file. */
export function encodeOnnxModel(model: OnnxModel): Uint8Array {
  return modelTypeOf().encode(model).finish();
}
