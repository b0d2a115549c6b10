import type { Tensor } from '../../runtime/index.ts';
import { badRequest } from '../errors.ts';
import { bytesOf, datatypeOf } from '../inference/datatypes.ts';
import type { InferResponse } from '../inference/request.ts';
import type { RestInferRequest } from './infer-request.ts';

/** The body of an answer, and how many of its bytes are JSON if others follow. */
export interface WrittenResponse {
  readonly body: Buffer | string;
  readonly jsonBytes: number | undefined;
}

/**
 * Writes the answer to a request: JSON, and behind it the bytes of the outputs that are wanted so.
 * @throws ProtocolError when an output is wanted in JSON that has no numbers for it.
 */
export function writeInferResponse(asked: RestInferRequest, response: InferResponse): WrittenResponse {
  const { modelName, modelVersion, id } = response;
  const chunks: Buffer[] = [];
  const outputs = response.outputs.map(({ name, tensor }, i) => {
    const datatype = datatypeOf(tensor.dtype);
    const head = `{"name":${JSON.stringify(name)},"shape":[${tensor.shape.join(',')}],"datatype":"${datatype.name}"`;
    if (!(asked.outputs?.[i].isBinary ?? asked.isBinary)) return `${head},"data":${jsonOf(name, tensor)}}`;
    const bytes = bytesOf(tensor);
    chunks.push(bytes);
    return `${head},"parameters":{"binary_data_size":${bytes.length}}}`;
  });
  const fields = [
    `"model_name":${JSON.stringify(modelName)}`,
    `"model_version":${JSON.stringify(modelVersion)}`,
    ...(id === undefined ? [] : [`"id":${JSON.stringify(id)}`]),
    `"outputs":[${outputs.join(',')}]`,
  ];
  const json = `{${fields.join(',')}}`;
  if (chunks.length === 0) return { body: json, jsonBytes: undefined };
  const header = Buffer.from(json);
  return { body: Buffer.concat([header, ...chunks]), jsonBytes: header.length };
}

/** A flat array of numbers. Joined rather than stringified: 64-bit integers keep all of their digits. */
function jsonOf(name: string, { data, dtype }: Tensor): string {
  const datatype = datatypeOf(dtype);
  if (!datatype.fromJson)
    throw badRequest(
      `output '${name}' is ${datatype.name}, which has no numbers in JSON; ask for binary_data`,
    );
  if (dtype === 'bool') return `[${Array.from(data as Uint8Array, (bit) => bit === 1).join(',')}]`;
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  return `[${isFloat ? digitsOf(name, data) : data.join(',')}]`;
}

function digitsOf(name: string, data: Float32Array | Float64Array): string {
  if (!data.every(Number.isFinite))
    throw badRequest(
      `output '${name}' holds NaN or an infinity, which JSON has no number for; ask for binary_data`,
    );
  // Without the point Python would read an integer, which has no sign at 0.
  return Array.from<number, number | string>(data, (value) => (Object.is(value, -0) ? '-0.0' : value)).join();
}
