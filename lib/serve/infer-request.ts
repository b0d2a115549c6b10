import { Tensor, type TensorData } from '../runtime/index.ts';
import { type Datatype, datatypeNamed, datatypeNames, hasJsonNumbers } from './datatypes.ts';
import { badRequest } from './errors.ts';

/** A result that the client asks for. */
export interface RequestedOutput {
  readonly name: string;
  readonly isBinary: boolean;
}

/** One request for inference. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** In the order of the answer; undefined: all. */
  readonly outputs: readonly RequestedOutput[] | undefined;
  /** Whether outputs that are not named are wanted as bytes. */
  readonly isBinary: boolean;
  /** Triton's scheduling parameters. */
  readonly priority: number | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the body of an infer request: JSON, or with the binary tensor data extension `jsonBytes` of JSON and then the bytes of the
 * inputs that have a `binary_data_size`, in their order. Bytes that lie aligned for their datatype are used in place.
 * @param jsonBytes the header `Inference-Header-Content-Length`; undefined: the whole body.
 * @throws ProtocolError that names the field.
 */
export function readInferRequest(body: Buffer, jsonBytes: string | undefined): InferRequest {
  const split = jsonBytes === undefined ? body.length : splitAt(jsonBytes, body.length);
  const fields = objectIn(parse(body.subarray(0, split)), 'the request');
  const bytes = new BinaryReader(body.subarray(split));
  const given = listIn(fields, 'inputs', 'the request');
  if (given.length === 0) throw badRequest('inputs must hold at least one tensor');
  const inputs = new Map<string, Tensor>();
  for (const [i, each] of given.entries()) {
    const where = `inputs[${i}]`;
    const input = objectIn(each, where);
    const name = stringIn(input, 'name', where);
    if (inputs.has(name)) throw badRequest(`${where}: there are two inputs '${name}'`);
    inputs.set(name, readInput(input, where, bytes));
  }
  bytes.finish();
  const parameters = parametersOf(fields, 'the request');
  return {
    id: fields.id === undefined ? undefined : stringIn(fields, 'id', 'the request'),
    inputs: Object.fromEntries(inputs),
    outputs: readOutputs(fields),
    isBinary: booleanIn(parameters, 'binary_data_output', 'parameters'),
    priority: priorityIn(parameters),
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

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch (error) {
    throw badRequest(`the request is not JSON: ${(error as Error).message}`);
  }
}

function readInput(input: Fields, where: string, bytes: BinaryReader): Tensor {
  const name = stringIn(input, 'datatype', where);
  const datatype = datatypeNamed(name);
  if (!datatype)
    throw badRequest(`${where}.datatype: no model takes '${name}'; there are ${datatypeNames()}`);
  const shape = listIn(input, 'shape', where);
  if (!shape.every((extent): extent is number => Number.isSafeInteger(extent) && Number(extent) >= 0))
    throw badRequest(`${where}.shape must hold whole numbers, none below 0`);
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (!Number.isSafeInteger(count * datatype.bytes))
    throw badRequest(`${where}.shape: no memory holds [${shape.join(', ')}]`);
  const size = parametersOf(input, where).binary_data_size;
  if (size === undefined) return new Tensor(datatype.dtype, elementsOf(input, datatype, count, where), shape);
  if (input.data !== undefined)
    throw badRequest(`${where} has both data and parameters.binary_data_size; it needs one of them`);
  const expected = count * datatype.bytes;
  if (size !== expected)
    throw badRequest(
      `${where}.parameters.binary_data_size must be ${expected}, the bytes of ${name} [${shape.join(', ')}], got ${JSON.stringify(size)}`,
    );
  return new Tensor(datatype.dtype, bytes.next(datatype, count, where), shape);
}

/** From a flat or nested array. */
function elementsOf(input: Fields, datatype: Datatype, count: number, where: string): TensorData {
  if (!Array.isArray(input.data))
    throw badRequest(`${where} has neither data, an array, nor parameters.binary_data_size`);
  if (!hasJsonNumbers(datatype))
    throw badRequest(`${where}: ${datatype.name} has no numbers in JSON; send it as binary data`);
  const flat = input.data.flat(Infinity) as unknown[];
  if (flat.length !== count)
    throw badRequest(`${where}.data holds ${flat.length} elements, its shape ${count}`);
  const elements = datatype.array(count);
  for (let i = 0; i < count; i++) {
    const value = toElement(flat[i], datatype);
    if (value === undefined)
      throw badRequest(`${where}.data: element ${i}, ${JSON.stringify(flat[i])}, is no ${datatype.name}`);
    elements[i] = value;
  }
  return elements;
}

/** The stored form of a number in JSON; undefined for one that the datatype does not have. */
function toElement(value: unknown, { dtype, isInteger, bytes }: Datatype): number | bigint | undefined {
  if (dtype === 'bool')
    return typeof value === 'boolean' ? Number(value) : value === 0 || value === 1 ? value : undefined;
  if (typeof value !== 'number') return undefined;
  if (!isInteger) return value;
  // JSON.parse has rounded a larger one, so it is not what was sent.
  if (!Number.isSafeInteger(value)) return undefined;
  if (dtype === 'int64') return BigInt(value);
  const isSigned = dtype.startsWith('int');
  const [least, most] = isSigned
    ? [-(2 ** (8 * bytes - 1)), 2 ** (8 * bytes - 1) - 1]
    : [0, 2 ** (8 * bytes) - 1];
  return value >= least && value <= most ? value : undefined;
}

/** The bytes behind the JSON, input after input. */
class BinaryReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(datatype: Datatype, count: number, where: string): TensorData {
    const size = count * datatype.bytes;
    const left = this.#bytes.length - this.#at;
    if (size > left) throw badRequest(`${where}: ${size} bytes are missing; ${left} are left in the body`);
    const piece = this.#bytes.subarray(this.#at, this.#at + size);
    this.#at += size;
    if (datatype.dtype === 'bool' && piece.some((byte) => byte > 1))
      throw badRequest(`${where}: a byte of BOOL is 0 or 1`);
    if (piece.byteOffset % datatype.bytes === 0) return datatype.view(piece.buffer, piece.byteOffset, count);
    const aligned = new Uint8Array(piece);
    return datatype.view(aligned.buffer, 0, count);
  }

  /** @throws ProtocolError when bytes are left that belong to no input. */
  finish(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw badRequest(`the body has ${left} bytes that belong to no input`);
  }
}

function readOutputs(fields: Fields): RequestedOutput[] | undefined {
  if (fields.outputs === undefined) return undefined;
  const given = listIn(fields, 'outputs', 'the request');
  if (given.length === 0) return undefined;
  return given.map((each, i) => {
    const where = `outputs[${i}]`;
    const output = objectIn(each, where);
    return {
      name: stringIn(output, 'name', where),
      isBinary: booleanIn(parametersOf(output, where), 'binary_data', `${where}.parameters`),
    };
  });
}

/** Triton counts from 1, and 0 is the usual one. */
function priorityIn(parameters: Fields): number | undefined {
  const { priority } = parameters;
  if (priority === undefined || priority === 0) return undefined;
  if (!Number.isInteger(priority) || Number(priority) < 0 || Number(priority) > 255)
    throw badRequest(
      `parameters.priority must be a whole number from 0 to 255, got ${JSON.stringify(priority)}`,
    );
  return Number(priority);
}

function objectIn(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest(`${where} must be a JSON object`);
  return value as Fields;
}

function parametersOf(fields: Fields, where: string): Fields {
  return fields.parameters === undefined ? {} : objectIn(fields.parameters, `parameters of ${where}`);
}

function listIn(fields: Fields, name: string, where: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw badRequest(`${name} of ${where} must be an array`);
  return value;
}

function stringIn(fields: Fields, name: string, where: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || (value === '' && name !== 'id'))
    throw badRequest(`${name} of ${where} must be a string`);
  return value;
}

function booleanIn(fields: Fields, name: string, where: string): boolean {
  const value = fields[name] ?? false;
  if (typeof value !== 'boolean') throw badRequest(`${name} of ${where} must be true or false`);
  return value;
}
