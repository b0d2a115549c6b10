import { nastyNumbers } from '../nasty-numbers.ts';
import type { Random } from '../random.ts';
import { type Field, varint, written } from './fields.ts';

type Edit = readonly [what: string, apply: (random: Random, field: Field) => readonly Field[]];

const names: readonly string[] = [
  '',
  'x',
  'index',
  'doubles',
  '__proto__',
  'constructor',
  'a\0b',
  'é'.repeat(3000),
  '1',
];
const datatypes: readonly string[] = [
  'BYTES',
  'UINT64',
  'FP16',
  'BF16',
  'BOOL',
  'INT8',
  'FP64',
  'INT32',
  'FP32',
  'fp32',
];

const bytesOf = ({ value }: Field): Buffer =>
  Buffer.isBuffer(value) ? value : written(value as readonly Field[]);
const changed = (field: Field, value: Buffer): readonly Field[] => [{ ...field, value }];
/** Groups in groups, which are not closed. */
const groups = (depth: number) => Buffer.alloc(depth, 0x0b);

/** Messages are a MiB or little more: as large as the server's limit. */
const mostTimes = (field: Field) => Math.ceil(2 ** 20 / written([field]).length);

const edits: readonly Edit[] = [
  ['removed', () => []],
  ['twice', (_, field) => [field, field]],
  ['many times', (random, field) => Array(Math.min(random.pick([20, 5000]), mostTimes(field))).fill(field)],
  ['empty', (_, field) => changed(field, Buffer.alloc(0))],
  ['cut', (random, field) => changed(field, bytesOf(field).subarray(0, -random.integer(1, 5)))],
  [
    'longer',
    (random, field) => changed(field, Buffer.concat([bytesOf(field), Buffer.alloc(random.pick([1, 4, 8]))])),
  ],
  [
    'another number',
    (random, field) => [{ ...field, number: random.pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 2 ** 29 - 1]) }],
  ],
  ['another wire type', (random, field) => [{ ...field, wireType: random.integer(0, 7) }]],
  ['another name', (random, field) => changed(field, Buffer.from(random.pick(names)))],
  ['another datatype', (random, field) => changed(field, Buffer.from(random.pick(datatypes)))],
  ['no UTF-8', (_, field) => changed(field, Buffer.of(0xff, 0xfe, 0xc0, 0x80))],
  ['another integer', (random, field) => changed(field, varint(BigInt(Math.trunc(random.pick(integers)))))],
  [
    'a list of integers',
    (random, field) =>
      changed(
        field,
        Buffer.concat(
          Array.from({ length: random.integer(0, 40) }, () => varint(BigInt(random.pick(integers)))),
        ),
      ),
  ],
  ['an endless varint', (random, field) => changed(field, Buffer.alloc(random.pick([10, 11, 100]), 0xff))],
  ['a long way to write an integer', (_, field) => changed(field, Buffer.of(0x81, 0x80, 0x80, 0))],
  [
    'a group',
    (random, field) => [field, { ...field, wireType: 3, value: groups(random.pick([0, 1, 50, 100_000])) }],
  ],
  [
    'a length that there is not',
    (random, field) => [
      { ...field, wireType: 0, number: field.number },
      { ...field, wireType: 2, value: Buffer.alloc(0) },
      { ...field, wireType: 0, value: varint(random.pick([2 ** 31, 2 ** 32 - 1, 2 ** 53])) },
    ],
  ],
];

const integers = nastyNumbers.map(Math.trunc).filter((value) => Math.abs(value) <= 2 ** 64);

/** The fields with one of them changed, however deep it stands. */
export function changeFields(
  random: Random,
  fields: readonly Field[],
): { readonly what: string; readonly fields: readonly Field[] } {
  const at = random.integer(0, Math.max(0, fields.length - 1));
  const field = fields[at];
  if (!field) return { what: 'nothing is left', fields };
  const replace = (...by: readonly Field[]) => [...fields.slice(0, at), ...by, ...fields.slice(at + 1)];
  if (!Buffer.isBuffer(field.value) && random.chance(0.75)) {
    const inner = changeFields(random, field.value as readonly Field[]);
    return { what: `${field.name}.${inner.what}`, fields: replace({ ...field, value: inner.fields }) };
  }
  const [what, apply] = random.pick(edits);
  return { what: `${field.name}: ${what}`, fields: replace(...apply(random, field)) };
}
