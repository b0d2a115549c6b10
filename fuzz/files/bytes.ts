import { nastyNumbers } from '../nasty-numbers.ts';
import type { Random } from '../random.ts';
import type { Change } from './problem.ts';

type Edit = readonly [what: string, apply: (random: Random, bytes: Buffer, at: number) => Buffer];

const splice = (bytes: Buffer, at: number, count: number, ...inserted: Buffer[]) =>
  Buffer.concat([bytes.subarray(0, at), ...inserted, bytes.subarray(at + count)]);
const randomBytes = (random: Random, count: number) =>
  Buffer.from(Array.from({ length: count }, () => random.integer(0, 255)));

const edits: readonly Edit[] = [
  ['bit', (random, bytes, at) => splice(bytes, at, 1, Buffer.of(bytes[at] ^ (1 << random.integer(0, 7))))],
  ['byte', (random, bytes, at) => splice(bytes, at, 1, randomBytes(random, 1))],
  ['cut', (_, bytes, at) => bytes.subarray(0, at)],
  ['removal', (random, bytes, at) => splice(bytes, at, random.integer(1, 64))],
  ['insertion', (random, bytes, at) => splice(bytes, at, 0, randomBytes(random, random.integer(1, 64)))],
  [
    'run',
    (random, bytes, at) => {
      const count = Math.min(2 ** random.integer(0, 3), bytes.length - at);
      return splice(bytes, at, count, Buffer.alloc(count, random.pick([0, 0xff, 0x7f, 0x80])));
    },
  ],
  [
    'copy',
    (random, bytes, at) => {
      const from = random.integer(0, bytes.length - 1);
      const copy = bytes.subarray(from, from + random.integer(1, 64));
      return splice(bytes, at, copy.length, copy);
    },
  ],
  [
    'number',
    (random, bytes, at) => {
      const number = Buffer.alloc(8);
      number.writeBigUInt64LE(BigInt.asUintN(64, BigInt(Math.trunc(random.pick(nastyNumbers)))));
      return splice(bytes, at, random.pick([4, 8]), number.subarray(0, random.pick([4, 8])));
    },
  ],
];

/** The bytes with some of them changed, mostly in one place. */
export function changeBytes(random: Random, bytes: Uint8Array): Change<Buffer> {
  let value: Buffer = Buffer.from(bytes);
  const what: string[] = [];
  for (let n = random.chance(0.5) ? 1 : random.integer(1, 8); n > 0 && value.length > 0; n--) {
    const at = random.integer(0, value.length - 1);
    const [name, apply] = random.pick(edits);
    value = apply(random, value, at);
    what.push(`${name} at ${at}`);
  }
  return { what: what.join(', '), value };
}
