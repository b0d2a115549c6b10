import type { Tensor } from '../runtime/index.ts';
import { bytesOf, datatypeOf, hasJsonNumbers } from './datatypes.ts';
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

/**
 * The names of the outputs that a request wants, each once.
 * @throws ProtocolError for one that the model does not have.
 */
export function wantedOutputs(request: InferRequest, names: readonly string[]): readonly string[] {
  if (!request.outputs) return names;
  for (const [i, { name }] of request.outputs.entries()) {
    if (!names.includes(name))
      throw badRequest(`outputs[${i}]: the model has no output '${name}'; it has ${names.join(', ')}`);
    if (request.outputs.findIndex((other) => other.name === name) !== i)
      throw badRequest(`outputs[${i}]: output '${name}' is asked for twice`);
  }
  return request.outputs.map(({ name }) => name);
}

/**
 * Writes the answer to a request: JSON, and behind it the bytes of the outputs that are wanted so.
 * @throws ProtocolError when an output is wanted in JSON that has no numbers for it.
 */
export function writeInferResponse(
  request: InferRequest,
  { name, version }: Answering,
  results: Readonly<Record<string, Tensor>>,
): InferResponse {
  const chunks: Buffer[] = [];
  const isBinary = new Map(request.outputs?.map((output) => [output.name, output.isBinary]));
  const outputs = wantedOutputs(request, Object.keys(results)).map((output) => {
    const tensor = results[output];
    const datatype = datatypeOf(tensor.dtype);
    const head = `{"name":${JSON.stringify(output)},"shape":[${tensor.shape.join(',')}],"datatype":"${datatype.name}"`;
    if (!(isBinary.get(output) || request.isBinary)) return `${head},"data":${jsonOf(output, tensor)}}`;
    const bytes = bytesOf(tensor);
    chunks.push(bytes);
    return `${head},"parameters":{"binary_data_size":${bytes.length}}}`;
  });
  const fields = [
    `"model_name":${JSON.stringify(name)}`,
    `"model_version":${JSON.stringify(version)}`,
    ...(request.id === undefined ? [] : [`"id":${JSON.stringify(request.id)}`]),
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
  if (!hasJsonNumbers(datatype))
    throw badRequest(
      `output '${name}' is ${datatype.name}, which has no numbers in JSON; ask for binary_data`,
    );
  if (dtype === 'bool') return `[${Array.from(data as Uint8Array, (bit) => bit === 1).join(',')}]`;
  if (!datatype.isInteger && !(data as Float32Array).every(Number.isFinite))
    throw badRequest(
      `output '${name}' holds NaN or an infinity, which JSON has no number for; ask for binary_data`,
    );
  return `[${data.join(',')}]`;
}
