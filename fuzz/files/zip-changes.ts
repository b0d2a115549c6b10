import type { Random } from '../random.ts';
import type { Change } from './problem.ts';
import { type ZipEntry, zip } from './zip.ts';

/** Damages a zip archive's headers and directory. */

/** Names that entries have where they should not. */
export const names = [
  ...[
    '../../../etc/passwd',
    '/etc/passwd',
    'a\\b',
    'x/../y',
    '',
    '.npy',
    'x',
    'y.npy',
    '__proto__',
    'constructor.npy',
  ],
  ...['serialized_state_dict.pt', 'serialized_exported_program.json'],
];

/** Lets an entry or the directory claim what is not so. */
export function changeZip(random: Random, entries: readonly ZipEntry[]): Change<Buffer> {
  const at = random.integer(0, entries.length - 1);
  const { length } = entries[at].data;
  const sizes = [0, 1, 0x7fffffff, 0xffffffff, length + 1, 50 * length];
  const claims = random.pick<() => Partial<ZipEntry>>([
    () => ({ name: random.pick(names) }),
    () => ({ size: random.pick(sizes) }),
    () => ({ storedSize: random.pick(sizes) }),
    () => ({ offset: random.pick([0, 1, 100, 0xffffffff]) }),
    () => ({ method: random.pick([1, 8, 12, 99, 65535]) }),
    () => ({ flags: random.integer(0, 65535) }),
    () => ({ deflated: true }),
  ])();
  const end = random.pick([
    {},
    {},
    {},
    { count: random.pick([0, 1, 65535]) },
    { offset: random.pick([0, 100, 0xffffffff]) },
  ]);
  const changed = entries.with(at, { ...entries[at], ...claims });
  const all = random.chance(0.1) ? [...changed, entries[at]] : changed;
  return { what: JSON.stringify({ entry: entries[at].name, ...claims, ...end }), value: zip(all, end) };
}

/** The entries with the content of one replaced. */
export const replaced = (entries: readonly ZipEntry[], at: number, data: Uint8Array) =>
  entries.with(at, { ...entries[at], data });
