import { nastyNumbers } from '../nasty-numbers.ts';
import type { Random } from '../random.ts';
import { changeBytes } from './bytes.ts';
import { changeJson, type Json, type Vocabulary, vocabularyOf } from './json.ts';
import type { Change } from './problem.ts';
import { unzip, type ZipEntry, zip } from './zip.ts';

/** Damages the zip archives among the files: `.pt2` and `.npz`. */

type Changer = (random: Random) => Change<Buffer>;

const names = [
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
function changeZip(random: Random, entries: readonly ZipEntry[]): Change<Buffer> {
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

const replaced = (entries: readonly ZipEntry[], at: number, data: Uint8Array) =>
  entries.with(at, { ...entries[at], data });

/** Of a `.npz`, whose entries are `.npy` arrays. */
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

function changeNpy(random: Random, bytes: Buffer): Change<Buffer> {
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

const programName = 'serialized_exported_program.json';
const targets = [
  ...[
    'relu.default',
    'relu_.default',
    'add.Tensor',
    'add_.Tensor',
    'cat.default',
    'view.default',
    'split.Tensor',
  ],
  ...['softmax.int', 'mean.dim', 'permute.default', 'expand.default'],
].map((name) => `torch.ops.aten.${name}`);
const sizeExpressions = [
  ...["Mul(Integer(4), Symbol('s0'))", "Symbol('s1')", 'Integer(-3)', 'Integer(99999999999999999999)', 'NaN'],
  ...[`${'Mul('.repeat(50)})`, `${'Mul('.repeat(20_000)})`],
];

/** Of a `.pt2`: an archive of a program in JSON and of `.pt` files, which are archives with a pickle each. */
export async function pt2Changer(bytes: Uint8Array): Promise<Changer> {
  const entries = await unzip(bytes);
  const at = entries.findIndex(({ name }) => name === programName);
  // Python writes numbers that JSON does not have.
  const text = Buffer.from(entries[at].data)
    .toString()
    .replace(/\bNaN\b|-?\bInfinity\b/g, '0');
  const program = JSON.parse(text) as { readonly [key: string]: Json };
  const vocabulary = vocabularyOf(program, [...targets, ...sizeExpressions]);
  const inner = new Map<number, readonly ZipEntry[]>();
  for (const [i, { name, data }] of entries.entries())
    if (name.endsWith('.pt')) inner.set(i, await unzip(data));
  return (random) =>
    random.weighted<() => Change<Buffer>>([
      [
        5,
        () => {
          const changed = changeProgram(random, program, vocabulary);
          const json = Buffer.from(JSON.stringify(changed.value));
          return { what: changed.what, value: zip(replaced(entries, at, json)) };
        },
      ],
      [
        3,
        () => {
          const [i, parts] = random.pick([...inner]);
          const { what, value } = changeTorchFile(random, parts);
          return { what: `${entries[i].name}: ${what}`, value: zip(replaced(entries, i, value)) };
        },
      ],
      [2, () => changeZip(random, entries)],
    ])();
}

type Program = { readonly [key: string]: Json };

function changeProgram(random: Random, program: Program, vocabulary: Vocabulary): Change<Json> {
  let changed = program;
  const what: string[] = [];
  for (let n = random.chance(0.5) ? 1 : random.integer(1, 5); n > 0; n--) {
    const module = changed.graph_module;
    const isModule = typeof module === 'object' && module !== null && !Array.isArray(module);
    const part = random.pick(['graph', 'graph', 'graph', 'graph', 'signature', 'program']);
    what.push(part);
    if (part === 'program' || !isModule)
      changed = { ...changed, ...(changeJson(random, changed, vocabulary) as Program) };
    else {
      const inside = module as Program;
      const piece = changeJson(random, inside[part] ?? null, vocabulary);
      changed = { ...changed, graph_module: { ...inside, [part]: piece } };
    }
  }
  return { what: `changes to ${what.join(', ')}`, value: changed };
}

/** What pickles are made of, and what else stands between. */
const opcodes = [
  ...Buffer.from('\x80\x95(0N\x88\x89JKM\x8aGX\x8c)]tl\x85\x86\x87ae}suqr\x94hjc\x93RbQ.', 'latin1'),
];

function changeTorchFile(random: Random, parts: readonly ZipEntry[]): Change<Buffer> {
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
