import { join } from 'node:path';
import {
  type CallOptions,
  Client,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';

/** From the protos that other clients are made from, none of them the server's. */
function methodsOf(path: string, service: string): ServiceClientConstructor['service'] {
  const options = { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true };
  return loadSync(path, options)[service] as ServiceClientConstructor['service'];
}

const proto = join(import.meta.dirname, '../../fixtures/serve/grpc_predict_v2.proto');
const methods = {
  ...methodsOf(proto, 'inference.GRPCInferenceService'),
  ...methodsOf(protoPath, 'grpc.health.v1.Health'),
};

/** What a call was answered with: a message, or the code and the words of an error. */
export interface GrpcAnswer {
  readonly code: string;
  readonly details: string;
  // biome-ignore lint/suspicious/noExplicitAny: it is what the proto says, which TypeScript does not read.
  readonly message: any;
  /** `x-request-id`, before the message or behind it. */
  readonly requestId: string | undefined;
}

/** A client of the inference and health services. */
export class GrpcClient implements Disposable {
  readonly #client: Client;

  constructor(address: string, tls = credentials.createInsecure()) {
    this.#client = new Client(address, tls, {
      // A connection of its own, not that of an earlier client.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  /**
   * @param message as the proto has it, or bytes that are sent as they are.
   * @param options a deadline, a signal that cancels the call, a token to show, and an id that the request has.
   */
  ask(
    method: string,
    message: object = {},
    {
      signal,
      token,
      requestId,
      ...options
    }: CallOptions & {
      readonly signal?: AbortSignal;
      readonly token?: string;
      readonly requestId?: string;
    } = {},
  ): Promise<GrpcAnswer> {
    const { path, requestSerialize, responseDeserialize } = methods[method];
    const serialize = message instanceof Buffer ? (bytes: Buffer) => bytes : requestSerialize;
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    if (requestId !== undefined) metadata.set('x-request-id', requestId);
    return new Promise((resolve) => {
      let before: Metadata | undefined;
      const done = (error: ServiceError | null, answer?: object) => {
        const answered = [before, error?.metadata].map((each) => each?.get('x-request-id')[0]);
        resolve({
          code: status[error ? error.code : status.OK],
          details: error ? error.details : '',
          message: answer,
          requestId: answered.find((each) => each !== undefined)?.toString(),
        });
      };
      const call = this.#client.makeUnaryRequest(
        path,
        serialize as (message: object) => Buffer,
        responseDeserialize as (bytes: Buffer) => object,
        message,
        metadata,
        options,
        done,
      );
      call.once('metadata', (received) => {
        before = received;
      });
      signal?.addEventListener('abort', () => call.cancel());
    });
  }

  /** The answers of a call that watches. */
  watch(service: string): ClientReadableStream<{ readonly status: string }> {
    const { path, requestSerialize, responseDeserialize } = methods.Watch;
    return this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
  }
}
