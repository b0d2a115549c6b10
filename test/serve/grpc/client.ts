import { join } from 'node:path';
import {
  type CallOptions,
  Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const options = { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true };

const methodsOf = (path: string, name: string) => {
  const definition = loadSync(path, options)[name] as ServiceClientConstructor['service'];
  return { name, definition };
};

const folder = join(import.meta.dirname, '../../fixtures/serve');
const inference = methodsOf(join(folder, 'grpc_predict_v2.proto'), 'inference.GRPCInferenceService');

export { loadPackageDefinition };

/** What a call was answered with: a message, or the code and words of an error. */
export interface GrpcAnswer {
  readonly code: string;
  readonly details: string;
  // biome-ignore lint/suspicious/noExplicitAny: messages are what the proto says, which TypeScript does not read.
  readonly message: any;
}

/** A client that is made from the protocol's own proto. */
export class GrpcClient {
  readonly client: Client;

  constructor(address: string) {
    this.client = new Client(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    });
  }

  [Symbol.dispose](): void {
    this.client.close();
  }

  /** @param onCall is called with the call, to cancel it. */
  ask(
    method: string,
    message: object = {},
    callOptions: CallOptions = {},
    onCall: (call: { cancel(): void }) => void = () => {},
  ): Promise<GrpcAnswer> {
    const { path, requestSerialize, responseDeserialize } = inference.definition[method];
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, answer?: unknown) =>
        resolve(
          error
            ? { code: status[error.code], details: error.details, message: undefined }
            : { code: 'OK', details: '', message: answer },
        );
      onCall(
        this.client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          message,
          new Metadata(),
          callOptions,
          done,
        ),
      );
    });
  }
}
