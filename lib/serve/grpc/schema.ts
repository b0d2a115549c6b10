import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type protobuf from 'protobufjs';
import { badRequest } from '../errors.ts';
import { malformed, protobufLibrary } from './wire.ts';

/**
 * The Open Inference Protocol's service and messages, with those of Triton's extensions model_repository and statistics, and the
 * standard health service: https://github.com/kserve/open-inference-protocol, https://grpc.io/docs/guides/health-checking/. Names and
 * numbers are theirs.
 */
const protos = [
  `
  syntax = "proto3";
  package inference;
  service GRPCInferenceService {
    rpc ServerLive(ServerLiveRequest) returns (ServerLiveResponse);
    rpc ServerReady(ServerReadyRequest) returns (ServerReadyResponse);
    rpc ModelReady(ModelReadyRequest) returns (ModelReadyResponse);
    rpc ServerMetadata(ServerMetadataRequest) returns (ServerMetadataResponse);
    rpc ModelMetadata(ModelMetadataRequest) returns (ModelMetadataResponse);
    rpc ModelInfer(ModelInferRequest) returns (ModelInferResponse);
    rpc ModelStatistics(ModelStatisticsRequest) returns (ModelStatisticsResponse);
    rpc RepositoryIndex(RepositoryIndexRequest) returns (RepositoryIndexResponse);
    rpc RepositoryModelLoad(RepositoryModelLoadRequest) returns (RepositoryModelLoadResponse);
    rpc RepositoryModelUnload(RepositoryModelUnloadRequest) returns (RepositoryModelUnloadResponse);
  }
  message ServerLiveRequest {}
  message ServerLiveResponse { bool live = 1; }
  message ServerReadyRequest {}
  message ServerReadyResponse { bool ready = 1; }
  message ModelReadyRequest { string name = 1; string version = 2; }
  message ModelReadyResponse { bool ready = 1; }
  message ServerMetadataRequest {}
  message ServerMetadataResponse { string name = 1; string version = 2; repeated string extensions = 3; }
  message ModelMetadataRequest { string name = 1; string version = 2; }
  message ModelMetadataResponse {
    message TensorMetadata { string name = 1; string datatype = 2; repeated int64 shape = 3; }
    string name = 1;
    repeated string versions = 2;
    string platform = 3;
    repeated TensorMetadata inputs = 4;
    repeated TensorMetadata outputs = 5;
  }
  message InferParameter {
    oneof parameter_choice {
      bool bool_param = 1;
      int64 int64_param = 2;
      string string_param = 3;
      double double_param = 4;
      uint64 uint64_param = 5;
    }
  }
  message InferTensorContents {
    repeated bool bool_contents = 1;
    repeated int32 int_contents = 2;
    repeated int64 int64_contents = 3;
    repeated uint32 uint_contents = 4;
    repeated uint64 uint64_contents = 5;
    repeated float fp32_contents = 6;
    repeated double fp64_contents = 7;
    repeated bytes bytes_contents = 8;
  }
  message ModelInferRequest {
    message InferInputTensor {
      string name = 1;
      string datatype = 2;
      repeated int64 shape = 3;
      map<string, InferParameter> parameters = 4;
      InferTensorContents contents = 5;
    }
    message InferRequestedOutputTensor { string name = 1; map<string, InferParameter> parameters = 2; }
    string model_name = 1;
    string model_version = 2;
    string id = 3;
    map<string, InferParameter> parameters = 4;
    repeated InferInputTensor inputs = 5;
    repeated InferRequestedOutputTensor outputs = 6;
    repeated bytes raw_input_contents = 7;
  }
  message ModelInferResponse {
    message InferOutputTensor {
      string name = 1;
      string datatype = 2;
      repeated int64 shape = 3;
      map<string, InferParameter> parameters = 4;
      InferTensorContents contents = 5;
    }
    string model_name = 1;
    string model_version = 2;
    string id = 3;
    map<string, InferParameter> parameters = 4;
    repeated InferOutputTensor outputs = 5;
    repeated bytes raw_output_contents = 6;
  }
  message ModelStatisticsRequest { string name = 1; string version = 2; }
  message ModelStatisticsResponse { repeated ModelStatistics model_stats = 1; }
  message ModelStatistics {
    string name = 1;
    string version = 2;
    uint64 last_inference = 3;
    uint64 inference_count = 4;
    uint64 execution_count = 5;
    InferStatistics inference_stats = 6;
    repeated InferBatchStatistics batch_stats = 7;
  }
  message InferStatistics {
    StatisticDuration success = 1;
    StatisticDuration fail = 2;
    StatisticDuration queue = 3;
    StatisticDuration compute_input = 4;
    StatisticDuration compute_infer = 5;
    StatisticDuration compute_output = 6;
    StatisticDuration cache_hit = 7;
    StatisticDuration cache_miss = 8;
  }
  message InferBatchStatistics {
    uint64 batch_size = 1;
    StatisticDuration compute_input = 2;
    StatisticDuration compute_infer = 3;
    StatisticDuration compute_output = 4;
  }
  message StatisticDuration { uint64 count = 1; uint64 ns = 2; }
  message ModelRepositoryParameter {
    oneof parameter_choice { bool bool_param = 1; int64 int64_param = 2; string string_param = 3; bytes bytes_param = 4; }
  }
  message RepositoryIndexRequest { string repository_name = 1; bool ready = 2; }
  message RepositoryIndexResponse {
    message ModelIndex { string name = 1; string version = 2; string state = 3; string reason = 4; }
    repeated ModelIndex models = 1;
  }
  message RepositoryModelLoadRequest {
    string repository_name = 1;
    string model_name = 2;
    map<string, ModelRepositoryParameter> parameters = 3;
  }
  message RepositoryModelLoadResponse {}
  message RepositoryModelUnloadRequest {
    string repository_name = 1;
    string model_name = 2;
    map<string, ModelRepositoryParameter> parameters = 3;
  }
  message RepositoryModelUnloadResponse {}
  `,
  `
  syntax = "proto3";
  package grpc.health.v1;
  service Health {
    rpc Check(HealthCheckRequest) returns (HealthCheckResponse);
    rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
  }
  message HealthCheckRequest { string service = 1; }
  message HealthCheckResponse {
    enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
    ServingStatus status = 1;
  }
  `,
];

/** Of messages whose size is not that of tensors, in bytes. */
const longestMessage = 2 ** 20;

let root: protobuf.Root | undefined;

function loadRoot(): protobuf.Root {
  const { parse, Root } = protobufLibrary();
  const loaded = new Root();
  for (const proto of protos) parse(proto, loaded);
  loaded.resolveAll();
  return loaded;
}

/**
 * A request as it came. It is read when it is handled: an error there can say what is wrong with it.
 * @throws ProtocolError
 */
export type Sent<Request> = () => Request;

const sizes = new WeakMap<object, number>();

/** How many bytes a request had, or an answer as it was sent; 0 for what was not. */
export const sizeOf = (message: object | undefined): number => (message && sizes.get(message)) ?? 0;

function sized<T extends object>(message: T, { length }: Uint8Array): T {
  sizes.set(message, length);
  return message;
}

/**
 * What a gRPC server registers a service by. Its requests are {@link Sent}.
 * @param name with its package.
 * @param decoders of requests that are not decoded as the schema says, by method.
 */
export function serviceDefinition(
  name: string,
  decoders: Readonly<Record<string, (bytes: Uint8Array) => object>> = {},
): ServiceDefinition<UntypedServiceImplementation> {
  root ??= loadRoot();
  const { methodsArray } = root.lookupService(name);
  return Object.fromEntries(
    methodsArray.map((method) => [method.name, define(name, method, decoders[method.name])]),
  );
}

function define(
  service: string,
  method: protobuf.Method,
  decode?: (bytes: Uint8Array) => object,
): MethodDefinition<object, object> {
  const { name, requestStream, responseStream } = method;
  const [request, response] = [method.resolvedRequestType!, method.resolvedResponseType!];
  return {
    path: `/${service}/${name}`,
    requestStream: requestStream ?? false,
    responseStream: responseStream ?? false,
    requestSerialize: (message) => encode(request, message),
    requestDeserialize: (bytes) => sized(() => (decode ? decode(bytes) : decodeShort(request, bytes)), bytes),
    responseSerialize: (message) => {
      const bytes = encode(response, message);
      sized(message, bytes);
      return bytes;
    },
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

/** On Node the library's writer makes Buffers. */
const encode = (type: protobuf.Type, message: object): Buffer => type.encode(message).finish() as Buffer;

function decodeShort(type: protobuf.Type, bytes: Uint8Array): object {
  if (bytes.length > longestMessage)
    throw badRequest(`a ${type.name} must have no more than ${longestMessage} bytes, got ${bytes.length}`);
  try {
    return type.decode(bytes);
  } catch (error) {
    throw malformed(error as Error);
  }
}
