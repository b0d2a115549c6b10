import type { Random } from '../random.ts';
import { doubled, looked, rows, width } from '../requests/model.ts';
import { type Field, integer, sized, varint, written } from './fields.ts';

/** The fields of a request that is right, written in one of the ways that protobuf has for it. */
export function drawFields(random: Random): readonly Field[] {
  const n = random.integer(1, 5);
  const x = Float32Array.from({ length: n * width }, () => random.uniform(-1000, 1000));
  const index = BigInt64Array.from({ length: n }, () => BigInt(random.integer(0, rows - 1)));
  const isRaw = random.chance(0.5);
  const bytesOf = ({ buffer }: ArrayBufferView) => Buffer.from(buffer as ArrayBuffer);
  const input = (name: string, datatype: string, shape: readonly number[], contents: readonly Field[]) =>
    sized('inputs', 5, [
      sized('name', 1, name),
      sized('datatype', 2, datatype),
      ...list(random, 'shape', 3, 0, shape.map(varint)),
      ...(isRaw ? optional(random, 0.2, sized('contents', 5, [])) : [sized('contents', 5, contents)]),
    ]);
  const floats = Array.from(x, (_, i) => bytesOf(x).subarray(4 * i, 4 * i + 4));
  const fields = [
    sized('model_name', 1, 'doubles'),
    ...optional(random, 0.3, sized('model_version', 2, '1')),
    ...optional(random, 0.5, sized('id', 3, `request ${n}`)),
    ...optional(random, 0.3, parameter('priority', integer('int64_param', 2, 1))),
    ...optional(random, 0.2, parameter('unknown', sized('string_param', 3, 'a word'))),
    input('x', 'FP32', [n, width], list(random, 'fp32_contents', 6, 5, floats)),
    input('index', 'INT64', [n], list(random, 'int64_contents', 3, 0, Array.from(index, varint))),
    ...random
      .pick([[], [], [looked], [looked, doubled]])
      .map((name) => sized('outputs', 6, [sized('name', 1, name)])),
    ...(isRaw ? [x, index].map((each) => sized('raw_input_contents', 7, bytesOf(each))) : []),
    ...optional(random, 0.2, integer('unknown', 99, 5)),
  ];
  return random.chance(0.3) ? inAnyOrder(random, fields) : fields;
}

/** A request that is right. */
export const drawMessage = (random: Random): Buffer => written(drawFields(random));

const optional = (random: Random, probability: number, field: Field): readonly Field[] =>
  random.chance(probability) ? [field] : [];

const parameter = (name: string, value: Field): Field =>
  sized('parameters', 4, [sized('key', 1, name), sized('value', 2, [value])]);

/** Packed, one by one, or packed in pieces. */
function list(
  random: Random,
  name: string,
  number: number,
  wireType: number,
  elements: readonly Buffer[],
): readonly Field[] {
  const one = (value: Buffer): Field => ({ name, number, wireType, value });
  const many = (values: readonly Buffer[]) => sized(name, number, Buffer.concat(values));
  const at = random.integer(0, elements.length);
  return random.weighted<readonly Field[]>([
    [2, [many(elements)]],
    [1, elements.map(one)],
    [1, [many(elements.slice(0, at)), many(elements.slice(at))]],
    [1, [many(elements.slice(0, at)), ...elements.slice(at).map(one)]],
  ]);
}

/** Fields of one number stay in their order. */
function inAnyOrder(random: Random, fields: readonly Field[]): readonly Field[] {
  const keys = new Map<number, number>();
  const keyOf = ({ number }: Field) => {
    if (!keys.has(number)) keys.set(number, random.uniform());
    return keys.get(number)!;
  };
  return fields
    .map((field) => [keyOf(field), field] as const)
    .sort(([a], [b]) => a - b)
    .map(([, field]) => field);
}
