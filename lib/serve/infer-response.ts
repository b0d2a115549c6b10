import type { Tensor } from '../runtime/index.ts';
import { bytesOf, datatypeOf } from './datatypes.ts';
import { badRequest } from './errors.ts';
import type { InferRequest } from './infer-request.ts';

/** The body of an answer, and how many of its bytes are JSON if others follow. */
export interface InferResponse {
  readonly body: Buffer | string;
  readonly jsonBytes: number | undefined;
}

/** Who answers. */
export interface Answering {
  readonly name: string;
  readonly version: string;
}

/** A result that is part of the answer. */
export interface WantedOutput {
  readonly name: string;
  readonly isBinary: boolean;
}

/**
 * The outputs that a request wants, in the order of the answer.
 * @param names those that the model has.
 * @throws ProtocolError for one that the model does not have, or that is asked for twice.
 */
export function wantedOutputs(
  { outputs, isBinary }: InferRequest,
  names: readonly string[],
): readonly WantedOutput[] {
  if (!outputs) return names.map((name) => ({ name, isBinary }));
  const seen = new Set<string>();
  return outputs.map((output, i) => {
    const { name } = output;
    if (!names.includes(name))
      throw badRequest(`outputs[${i}]: the model has no output '${name}'; it has ${names.join(', ')}`);
    if (seen.has(name)) throw badRequest(`outputs[${i}]: output '${name}' is asked for twice`);
    seen.add(name);
    return { name, isBinary: output.isBinary ?? isBinary };
  });
}

/**
 * Writes the answer to a request: JSON, and behind it the bytes of the outputs that are wanted so.
 * @param id the request's, which its answer repeats.
 * @throws ProtocolError when an output is wanted in JSON that has no numbers for it.
 */
export function writeInferResponse(
  id: string | undefined,
  wanted: readonly WantedOutput[],
  { name, version }: Answering,
  results: Readonly<Record<string, Tensor>>,
): InferResponse {
  const chunks: Buffer[] = [];
  const outputs = wanted.map(({ name: output, isBinary }) => {
    const tensor = results[output];
    const datatype = datatypeOf(tensor.dtype);
    const head = `{"name":${JSON.stringify(output)},"shape":[${tensor.shape.join(',')}],"datatype":"${datatype.name}"`;
    if (!isBinary) return `${head},"data":${jsonOf(output, tensor)}}`;
    const bytes = bytesOf(tensor);
    chunks.push(bytes);
    return `${head},"parameters":{"binary_data_size":${bytes.length}}}`;
  });
  const fields = [
    `"model_name":${JSON.stringify(name)}`,
    `"model_version":${JSON.stringify(version)}`,
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
