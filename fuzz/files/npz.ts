import type { Random } from '../random.ts';
import { changeBytes } from './bytes.ts';
import type { Change, Changer } from './problem.ts';
import { unzip, zip } from './zip.ts';
import { changeZip, replaced } from './zip-changes.ts';

/** Damages a `.npz`, whose entries are `.npy` arrays. */
export async function npzChanger(bytes: Uint8Array): Promise<Changer> {
  const entries = await unzip(bytes);
  return (random) => {
    if (random.chance(0.3)) return changeZip(random, entries);
    const at = random.integer(0, entries.length - 1);
    const { what, value } = random.chance(0.2)
      ? changeBytes(random, entries[at].data)
      : changeNpy(random, Buffer.from(entries[at].data));
    return { what: `${entries[at].name}: ${what}`, value: zip(replaced(entries, at, value)) };
  };
}

const descriptors = [
  '<f4',
  '<f8',
  '<f2',
  '|u1',
  '|i1',
  '<u2',
  '<i2',
  '<i4',
  '<i8',
  '|b1',
  '>f4',
  '|O',
  '<c8',
  '|S4',
  '|V4',
  '',
];
const extents = [
  ...['0', '1', '2', '3', '512', '3072', '1000000', '4294967296', '1152921504606846976', '9007199254740993'],
  ...[
    '99999999999999999999999',
    '-1',
    '',
    ' ',
    '1 2',
    '1,'.repeat(65),
    '1,'.repeat(1000),
    '1,'.repeat(30_000),
  ],
];

/** Damages the header of a `.npy` file. */
export function changeNpy(random: Random, bytes: Buffer): Change<Buffer> {
  const end = 10 + bytes.readUInt16LE(8);
  const sizes = Array.from({ length: random.integer(1, 4) }, () => random.pick(extents)).join(', ');
  const text = random.pick<(header: string) => string>([
    (header) => header.replace(/'shape': \([^)]*\)/, `'shape': (${sizes})`),
    (header) => header.replace(/'shape': \([^)]*\)/, `'shape': (${sizes},)`).replace('False', 'True'),
    (header) => header.replace(/'descr': '[^']*'/, `'descr': '${random.pick(descriptors)}'`),
    (header) => header.replace('False', 'True'),
    (header) => changeBytes(random, Buffer.from(header, 'latin1')).value.toString('latin1'),
  ])(bytes.toString('latin1', 10, end).trim());
  const header = Buffer.from(`${text}\n`, 'latin1');
  const version = random.pick([1, 1, 1, 2, 3, 0, 255]);
  const isLong = version === 2 || version === 3;
  const length = random.chance(0.9) ? header.length : random.pick([0, 1, 0xffff, 0xffffffff]);
  const prefix = Buffer.from([
    ...Buffer.from('\x93NUMPY', 'latin1'),
    version,
    0,
    ...Array(isLong ? 4 : 2).fill(0),
  ]);
  if (isLong) prefix.writeUInt32LE(length, 8);
  else prefix.writeUInt16LE(length & 0xffff, 8);
  return {
    what: `version ${version}, ${text.length > 200 ? `${text.slice(0, 200)}...` : text}`,
    value: Buffer.concat([prefix, header, bytes.subarray(end)]),
  };
}
