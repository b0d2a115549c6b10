import { nastyNumbers } from '../nasty-numbers.ts';
import type { Random } from '../random.ts';
import { changeBytes } from './bytes.ts';
import type { Change } from './problem.ts';
import { type ZipEntry, zip } from './zip.ts';
import { names, replaced } from './zip-changes.ts';

/** What pickles are made of, and what else stands between. */
const opcodes = [
  ...Buffer.from('\x80\x95(0N\x88\x89JKM\x8aGX\x8c)]tl\x85\x86\x87ae}suqr\x94hjc\x93RbQ.', 'latin1'),
];

/** Damages a file of `torch.save`: an archive of a pickle and of storages. */
export function changeTorchFile(random: Random, parts: readonly ZipEntry[]): Change<Buffer> {
  const pickle = parts.findIndex(({ name }) => name.endsWith('data.pkl'));
  const other = random.integer(0, parts.length - 1);
  const [what, changed] = random.weighted<() => readonly [string, readonly ZipEntry[]]>([
    [5, () => ['pickle', replaced(parts, pickle, changePickle(random, Buffer.from(parts[pickle].data)))]],
    [
      1,
      () => [
        `bytes of ${parts[other].name}`,
        replaced(parts, other, changeBytes(random, parts[other].data).value),
      ],
    ],
    [
      1,
      () => [
        `name of ${parts[other].name}`,
        parts.with(other, { ...parts[other], name: random.pick([...names, parts[0].name]) }),
      ],
    ],
    [1, () => [`${parts[other].name} removed`, parts.toSpliced(other, 1)]],
  ])();
  const deflated = changed.map((part) => (random.chance(0.2) ? { ...part, deflated: true } : part));
  return { what, value: zip(deflated) };
}

function changePickle(random: Random, pickle: Buffer): Buffer {
  let bytes = pickle;
  for (let n = random.integer(1, 3); n > 0 && bytes.length > 4; n--) {
    const at = random.integer(0, bytes.length - 5);
    const count = random.integer(0, 19);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const number = Buffer.alloc(4);
    number.writeInt32LE(Math.trunc(random.pick(nastyNumbers)) | 0);
    bytes = Buffer.concat(
      random.pick<() => Buffer[]>([
        () => [before, Buffer.of(random.pick(opcodes)), after.subarray(1)],
        () => [before, Buffer.of(after[0] ^ (1 << random.integer(0, 7))), after.subarray(1)],
        () => [before, after.subarray(0, count), after],
        () => [before, after.subarray(count)],
        () => [before, number, after.subarray(4)],
      ])(),
    );
  }
  return bytes;
}
