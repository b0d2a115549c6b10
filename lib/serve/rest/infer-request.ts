import { Tensor } from '../../runtime/index.ts';
import { badRequest, quote } from '../errors.ts';
import { refuseAbsent } from '../inference/absent-extensions.ts';
import { type InferRequest, inputsByName } from '../inference/request.ts';
import { schedulingOf } from '../inference/scheduling.ts';
import { datatypeIn, elementCount, tensorOfBytes } from '../inference/tensors.ts';
import { readElements } from './json-elements.ts';
import {
  booleanIn,
  type Fields,
  listIn,
  objectIn,
  parametersOf,
  parseObject,
  stringIn,
} from './json-fields.ts';

/** A result that the client asks for. */
export interface RequestedOutput {
  readonly name: string;
  /** Whether as bytes; undefined: as the request says for all. */
  readonly isBinary: boolean | undefined;
}

/** A request for inference as REST has it. */
export interface RestInferRequest extends InferRequest {
  readonly outputs: readonly RequestedOutput[] | undefined;
  /** Whether outputs that say nothing else are wanted as bytes. */
  readonly isBinary: boolean;
}

/**
 * Reads the body of an infer request: JSON, or with the binary tensor data extension `jsonBytes` of JSON and then the bytes of the
 * inputs that have a `binary_data_size`, in their order. Bytes that lie aligned for their datatype are used in place.
 * @param jsonBytes the header `Inference-Header-Content-Length`; undefined: the whole body.
 * @throws ProtocolError that names the field.
 */
export function readInferRequest(body: Buffer, jsonBytes: string | undefined): RestInferRequest {
  const split = jsonBytes === undefined ? body.length : splitAt(jsonBytes, body.length);
  const fields = parseObject(body.subarray(0, split));
  const bytes = new BinaryReader(body.subarray(split));
  const inputs = listIn(fields, 'inputs', 'the request').map((each, i) => {
    const where = `inputs[${i}]`;
    const input = objectIn(each, where);
    return { name: stringIn(input, 'name', where), read: () => readInput(input, where, bytes) };
  });
  const tensors = inputsByName(inputs);
  bytes.finish();
  const parameters = parametersOf(fields, 'the request');
  return {
    id: fields.id === undefined || fields.id === null ? undefined : stringIn(fields, 'id', 'the request'),
    inputs: tensors,
    outputs: readOutputs(fields),
    isBinary: booleanIn(parameters, 'binary_data_output', 'parameters') ?? false,
    scheduling: schedulingOf(parameters),
  };
}

function splitAt(jsonBytes: string, length: number): number {
  const split = Number(jsonBytes);
  if (!/^\d+$/.test(jsonBytes) || split > length)
    throw badRequest(
      `the header Inference-Header-Content-Length must be a number of bytes up to the body's ${length}, got '${jsonBytes}'`,
    );
  return split;
}

function readInput(input: Fields, where: string, bytes: BinaryReader): Tensor {
  const datatype = datatypeIn(stringIn(input, 'datatype', where), where);
  const shape = listIn(input, 'shape', where) as readonly number[];
  const count = elementCount(shape, datatype, where);
  const parameters = parametersOf(input, where);
  refuseAbsent(parameters, where);
  // Clients that write all fields write null for those that they do not have, here and below.
  const size = parameters.binary_data_size ?? undefined;
  if (size === undefined) {
    if (!Array.isArray(input.data))
      throw badRequest(`${where} has neither data, an array, nor parameters.binary_data_size`);
    return new Tensor(datatype.dtype, readElements(input.data, datatype, shape, where), shape);
  }
  if (input.data !== undefined && input.data !== null)
    throw badRequest(`${where} has both data and parameters.binary_data_size; it needs one of them`);
  const expected = count * datatype.bytes;
  if (size !== expected)
    throw badRequest(
      `${where}.parameters.binary_data_size must be ${expected}, the bytes of ${datatype.name} [${shape.join(', ')}], got ${quote(size)}`,
    );
  return tensorOfBytes(datatype, bytes.next(expected, where), shape, where);
}

/** The bytes behind the JSON, input after input. */
class BinaryReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(size: number, where: string): Buffer {
    const left = this.#bytes.length - this.#at;
    if (size > left) throw badRequest(`${where}: ${size} bytes are missing; ${left} are left in the body`);
    const piece = this.#bytes.subarray(this.#at, this.#at + size);
    this.#at += size;
    return piece;
  }

  /** @throws ProtocolError when bytes are left that belong to no input. */
  finish(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw badRequest(`the body has ${left} bytes that belong to no input`);
  }
}

function readOutputs(fields: Fields): RequestedOutput[] | undefined {
  if (fields.outputs === undefined || fields.outputs === null) return undefined;
  const given = listIn(fields, 'outputs', 'the request');
  if (given.length === 0) return undefined;
  return given.map((each, i) => {
    const where = `outputs[${i}]`;
    const output = objectIn(each, where);
    const parameters = parametersOf(output, where);
    refuseAbsent(parameters, where);
    return {
      name: stringIn(output, 'name', where),
      isBinary: booleanIn(parameters, 'binary_data', `${where}.parameters`),
    };
  });
}
