import type {
  handleUnaryCall,
  Metadata,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ProtocolError } from '../errors.ts';
import type { CallOrigin } from '../inference/call.ts';
import { type InferenceOptions, InferenceService } from '../inference/service.ts';
import { factsOf, type RequestFacts } from '../logging/request-facts.ts';
import { decodeInferRequest } from './infer-message.ts';
import { readInferRequest } from './infer-request.ts';
import { writeInferResponse } from './infer-response.ts';
import type { ModelChange, ModelInferRequest, ModelRequest } from './messages.ts';
import { type Sent, serviceDefinition } from './schema.ts';
import { codeOf, isFailure, statusOf } from './status.ts';

/** A service as `Server.addService(definition, handlers)` of `@grpc/grpc-js` takes it. */
export interface GrpcService {
  readonly definition: ServiceDefinition<UntypedServiceImplementation>;
  readonly handlers: UntypedServiceImplementation;
}

/** The service's name, as health checks ask for it. */
export const inferenceServiceName = 'inference.GRPCInferenceService';

/** Those of Triton's that gRPC has here. */
const extensions = ['model_repository', 'statistics'];

/**
 * The Open Inference Protocol v2 over gRPC, with Triton's extensions `model_repository` and `statistics`: the
 * service `inference.GRPCInferenceService`, for a gRPC server of yours. It answers tensors as they were sent: bytes
 * (`raw_output_contents`), by far the fastest, for `raw_input_contents`, else lists.
 *
 * @example
 * const server = new Server({ 'grpc.max_receive_message_length': 64 * 2 ** 20 });
 * const { definition, handlers } = openInferenceService({ repository });
 * server.addService(definition, handlers);
 * server.bindAsync('localhost:8001', ServerCredentials.createInsecure(), (error, port) => …);
 *
 * @throws Error when an option has a value that there is not.
 * @see https://github.com/kserve/open-inference-protocol
 */
export function openInferenceService(options: InferenceOptions): GrpcService {
  const service = new InferenceService(options);
  const handlers = {
    ServerLive: unary(() => ({ live: true })),
    ServerReady: unary(() => ({ ready: service.isReady() })),
    ServerMetadata: unary(() => service.serverMetadata(extensions)),
    ModelReady: unary(({ name, version }: ModelRequest) => ({ ready: isLoaded(service, name, version) })),
    ModelMetadata: unary(({ name, version }: ModelRequest) => service.modelMetadata(name, given(version))),
    ModelInfer: unary((message: ModelInferRequest, signal, metadata) => {
      const facts = factsOf(metadata);
      facts.id = given(message.id);
      return service.infer({
        model: message.modelName,
        version: given(message.modelVersion),
        origin: originOf(metadata),
        signal,
        read: () => readInferRequest(message),
        write: (asked, response) => {
          facts.version = response.modelVersion;
          return writeInferResponse(asked, response);
        },
      });
    }),
    ModelStatistics: unary(async ({ name, version }: ModelRequest) =>
      inCamelCase(await service.statistics(given(name), given(version))),
    ),
    RepositoryIndex: unary(async ({ ready }: { readonly ready: boolean }) => ({
      models: await service.repositoryIndex(ready),
    })),
    RepositoryModelLoad: unary(changing(service, 'load')),
    RepositoryModelUnload: unary(changing(service, 'unload')),
  };
  const definition = serviceDefinition(inferenceServiceName, { ModelInfer: decodeInferRequest });
  return { definition, handlers };
}

/** As OpenTelemetry names a call of gRPC. */
const originOf = (metadata: Metadata): CallOrigin => ({
  protocol: 'grpc',
  name: `${inferenceServiceName}/ModelInfer`,
  attributes: () => ({
    'rpc.system': 'grpc',
    'rpc.service': inferenceServiceName,
    'rpc.method': 'ModelInfer',
  }),
  statusAttributes: (httpStatus) => ({ 'rpc.grpc.status_code': codeOf(httpStatus) }),
  header: (name) => metadata.get(name)[0]?.toString(),
});

/** What is absent is an empty string in protobuf. */
const given = (text: string): string | undefined => (text === '' ? undefined : text);

/** Fields as the messages have them: REST's names are the proto's own. */
function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      inCamelCase(field),
    ]),
  );
}

/** A model that there is not is not ready: that is an answer here, no error. */
function isLoaded(service: InferenceService, name: string, version: string): boolean {
  try {
    return service.modelReady(name, given(version)) === name;
  } catch (error) {
    if (error instanceof ProtocolError && error.status === 404) return false;
    throw error;
  }
}

const changing =
  (service: InferenceService, change: 'load' | 'unload') =>
  async ({ modelName, parameters }: ModelChange) => {
    await service.changeModel(change, modelName, parameters);
    return {};
  };

function unary<Request extends object, Response>(
  answer: (request: Request, signal: AbortSignal, metadata: Metadata) => Response | Promise<Response>,
): handleUnaryCall<Sent<Request>, Response> {
  return (call, callback) => {
    const controller = new AbortController();
    // The client cancels the call, hangs up, or its deadline has passed: a request that still waits is taken back.
    const cancel = () => controller.abort(new ProtocolError(499, 'the call was cancelled'));
    call.once('cancelled', cancel);
    const answered = async () => {
      const request = call.request();
      noteModel(factsOf(call.metadata), request);
      return answer(request, controller.signal, call.metadata);
    };
    answered()
      // Calls that are answered are said to be cancelled, too.
      .finally(() => call.off('cancelled', cancel))
      .then(
        (response) => callback(null, response),
        (error: Error) => {
          if (isFailure(error)) factsOf(call.metadata).failure = error;
          callback(statusOf(error));
        },
      );
  };
}

/** The model that a request names, if it names one, by either of the names that its field has. */
function noteModel(facts: RequestFacts, request: object): void {
  const {
    name = '',
    version = '',
    modelName = name,
    modelVersion = version,
  } = request as Partial<ModelInferRequest & ModelRequest>;
  if (modelName !== '') facts.model = modelName;
  if (modelVersion !== '') facts.version = modelVersion;
}
