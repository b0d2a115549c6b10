import { fileURLToPath } from 'node:url';
import {
  Client,
  credentials,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type Asking, bytesOf, type Image } from './asking.ts';

/** The protocol's own, not the server's. */
const proto = fileURLToPath(new URL('../../test/fixtures/serve/grpc_predict_v2.proto', import.meta.url));

const asItIs = (bytes: Buffer): Buffer => bytes;

/**
 * Asks over gRPC: messages are written once, before anything is measured, and answers compared as they come.
 * @param url `grpc://ADDRESS/MODEL`
 */
export function askByGrpc({ host, pathname }: URL, images: readonly Image[]): Asking {
  const services = loadSync(proto, { keepCase: true });
  const service = services['inference.GRPCInferenceService'] as ServiceClientConstructor['service'];
  const { path, requestSerialize } = service.ModelInfer;
  const messages = images.map((image) => {
    const { input: name, shape } = image;
    const inputs = [{ name, datatype: 'FP32', shape }];
    const request = { model_name: pathname.slice(1), inputs, raw_input_contents: [bytesOf(image)] };
    return requestSerialize(request);
  });
  const client = new Client(host, credentials.createInsecure());
  const ask = (image: number) =>
    new Promise<Buffer | undefined>((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: Buffer) => {
        if (error && error.code !== status.RESOURCE_EXHAUSTED) reject(error);
        else resolve(answer);
      };
      client.makeUnaryRequest(path, asItIs, asItIs, messages[image], new Metadata(), done);
    });
  return { ask, close: () => client.close() };
}
