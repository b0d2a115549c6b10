import type { Random } from '../random.ts';
import { doubled, looked, rowOf, rows, width } from './model.ts';

/** The body of a request for inference, and what its head says of it. */
export interface Message {
  readonly body: Buffer;
  /** The header `Inference-Header-Content-Length`. */
  readonly jsonBytes: string | undefined;
  /** Whether it has to be answered with results: nothing of it was changed. */
  readonly isValid: boolean;
}

/** Results by name. */
export type Results = ReadonlyMap<string, readonly number[]>;

const datatypes = { x: 'FP32', index: 'INT64' } as const;

/** The JSON of a message and the bytes of its inputs, both as they should be. */
export function drawParts(random: Random, isBinary: boolean) {
  const n = random.integer(1, 5);
  const x = Array.from({ length: n * width }, () => Math.fround(random.uniform(-1000, 1000)));
  const index = Array.from({ length: n }, () => random.integer(0, rows - 1));
  const bytes: Buffer[] = [];
  const input = (
    name: 'x' | 'index',
    shape: readonly number[],
    data: readonly number[],
    raw: ArrayBufferView,
  ) => {
    const fields = { name, shape, datatype: datatypes[name] };
    if (!isBinary || random.chance(0.2)) return { ...fields, data };
    bytes.push(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength));
    return { ...fields, parameters: { binary_data_size: raw.byteLength } };
  };
  const inputs = [
    input('x', [n, width], x, Float32Array.from(x)),
    input('index', [n], index, BigInt64Array.from(index, BigInt)),
  ];
  const outputs = random.pick([undefined, [], [{ name: looked }], [{ name: looked }, { name: doubled }]]);
  const fields = {
    ...(random.chance(0.5) ? { id: `request ${n}` } : {}),
    inputs,
    ...(outputs ? { outputs } : {}),
    ...(random.chance(0.3) ? { parameters: { binary_data_output: random.chance(0.5), priority: 1 } } : {}),
  };
  return { fields, bytes: Buffer.concat(bytes) };
}

/** A message that is right. */
export function drawMessage(random: Random): Message {
  const { fields, bytes } = drawParts(random, random.chance(0.5));
  const json = Buffer.from(JSON.stringify(fields));
  const jsonBytes = bytes.length > 0 || random.chance(0.2) ? `${json.length}` : undefined;
  return { body: Buffer.concat([json, bytes]), jsonBytes, isValid: true };
}

interface Input {
  readonly name: string;
  readonly data?: readonly unknown[];
  readonly parameters?: { readonly binary_data_size?: number };
}

/**
 * The results that a message asks for, if it is one that a server may accept.
 * @throws Error when it is none.
 */
export function resultsFor({ body, jsonBytes }: Message): Results {
  const split = jsonBytes === undefined ? body.length : Number(jsonBytes);
  const { inputs, outputs } = JSON.parse(body.toString('utf8', 0, split));
  let at = split;
  const numbers = new Map<string, readonly number[]>();
  for (const { name, data, parameters } of inputs as readonly Input[]) {
    const size = parameters?.binary_data_size;
    if (size === undefined) numbers.set(name, data!.flat(Number.POSITIVE_INFINITY).map(Number));
    else numbers.set(name, read(name, body.subarray(at, at + size)));
    at += size ?? 0;
  }
  const results = new Map([
    [doubled, numbers.get('x')!.map((value) => Math.fround(2 * Math.fround(value)))],
    [looked, numbers.get('index')!.flatMap(rowOf)],
  ]);
  const names = (outputs ?? []) as readonly { readonly name: string }[];
  return names.length === 0 ? results : new Map(names.map(({ name }) => [name, results.get(name)!]));
}

function read(name: string, bytes: Buffer): readonly number[] {
  // Copied: where it lies is not aligned.
  const { buffer } = new Uint8Array(bytes);
  return name === 'x' ? [...new Float32Array(buffer)] : Array.from(new BigInt64Array(buffer), Number);
}
