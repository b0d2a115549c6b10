import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import type { Results } from '../requests/messages.ts';
import { doubled, looked, rowOf } from '../requests/model.ts';

/** The proto that other clients are made from, which the server does not know. */
const root = protobuf.loadSync(
  fileURLToPath(new URL('../../test/fixtures/serve/grpc_predict_v2.proto', import.meta.url)),
);
const request = root.lookupType('inference.ModelInferRequest');
const response = root.lookupType('inference.ModelInferResponse');

interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly contents?: {
    readonly fp32Contents?: readonly number[];
    readonly int64Contents?: readonly number[];
  };
}
interface Message {
  readonly inputs?: readonly Tensor[];
  readonly outputs?: readonly Tensor[];
  readonly rawInputContents?: readonly Buffer[];
  readonly rawOutputContents?: readonly Buffer[];
}

const read = (type: protobuf.Type, bytes: Buffer): Message =>
  type.toObject(type.decode(bytes), { longs: Number, defaults: false }) as Message;

/**
 * The results that a message asks for, if it is one that a server may accept.
 * @throws Error when it is none.
 */
export function resultsFor(message: Buffer): Results {
  const { inputs = [], outputs = [], rawInputContents: raw } = read(request, message);
  const numbers = new Map(
    inputs.map(({ name, contents, datatype }, i) => [
      name,
      raw ? valuesOf(datatype, raw[i]) : (contents?.fp32Contents ?? contents?.int64Contents ?? []),
    ]),
  );
  const results = new Map([
    [doubled, numbers.get('x')!.map((value) => Math.fround(2 * value))],
    [looked, numbers.get('index')!.flatMap(rowOf)],
  ]);
  return outputs.length === 0 ? results : new Map(outputs.map(({ name }) => [name, results.get(name)!]));
}

/** The results that an answer holds, a message in its frame. @throws Error when it is no such answer. */
export function resultsIn(data: Buffer): Results {
  if (data.length < 5 || data[0] !== 0 || data.readUInt32BE(1) !== data.length - 5)
    throw new Error(`no message in its frame: ${data.toString('hex').slice(0, 100)}`);
  const { outputs = [], rawOutputContents: raw } = read(response, data.subarray(5));
  return new Map(
    outputs.map(({ name, datatype, shape, contents }, i) => {
      const values = raw ? valuesOf(datatype, raw[i]) : (contents?.fp32Contents ?? []);
      const count = shape.reduce((product, extent) => product * extent, 1);
      if (datatype !== 'FP32' || values.length !== count)
        throw new Error(`output ${name} is ${datatype}[${shape}] with ${values.length} elements`);
      return [name, values];
    }),
  );
}

function valuesOf(datatype: string, bytes: Buffer): readonly number[] {
  // Copied: where it lies is not aligned.
  const { buffer } = new Uint8Array(bytes);
  return datatype === 'FP32' ? [...new Float32Array(buffer)] : Array.from(new BigInt64Array(buffer), Number);
}
