import type { Random } from '../random.ts';
import { changeBytes } from './bytes.ts';
import { changeJson, type Json, type Vocabulary, vocabularyOf } from './json.ts';
import type { Change, Changer } from './problem.ts';
import { changeTorchFile } from './torch-file.ts';
import { unzip, type ZipEntry, zip } from './zip.ts';
import { changeZip, names, replaced } from './zip-changes.ts';

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

const isProgram = (name: string) => /(^|\/)(serialized_exported_program|models\/[^/]+)\.json$/.test(name);

/**
 * Damages a `.pt2` of any layout: an archive of a program in JSON, and of weights, which are `.pt` files (archives with a
 * pickle each) or raw bytes that a config in JSON describes.
 */
export async function pt2Changer(bytes: Uint8Array): Promise<Changer> {
  const entries = await unzip(bytes);
  const at = entries.findIndex(({ name }) => isProgram(name));
  const program = parse(entries[at].data) as Program;
  const vocabulary = vocabularyOf(program, [...targets, ...sizeExpressions]);
  const [inner, configs, raw] = [
    new Map<number, readonly ZipEntry[]>(),
    new Map<number, Json>(),
    [] as number[],
  ];
  for (const [i, { name, data }] of entries.entries())
    if (name.endsWith('.pt')) inner.set(i, await unzip(data));
    else if (name.endsWith('_config.json')) configs.set(i, parse(data));
    else if (/(weight|tensor)_\d+$/.test(name)) raw.push(i);
  const changeTensors = (random: Random): Change<Buffer> => {
    const kinds: (() => Change<Buffer>)[] = [
      () => {
        const [i, parts] = random.pick([...inner]);
        const { what, value } = changeTorchFile(random, parts);
        return { what: `${entries[i].name}: ${what}`, value: zip(replaced(entries, i, value)) };
      },
    ];
    if (raw.length > 0)
      kinds.push(...Array(3).fill(() => changeConfig(random, entries, configs)), () =>
        changeStorage(random, entries, random.pick(raw)),
      );
    return random.pick(kinds)();
  };
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
      [3, () => changeTensors(random)],
      [2, () => changeZip(random, entries)],
    ])();
}

/** Python writes numbers that JSON does not have. */
const parse = (data: Uint8Array) =>
  JSON.parse(
    Buffer.from(data)
      .toString()
      .replace(/\bNaN\b|-?\bInfinity\b/g, '0'),
  ) as Json;

function changeConfig(
  random: Random,
  entries: readonly ZipEntry[],
  configs: ReadonlyMap<number, Json>,
): Change<Buffer> {
  const [i, config] = random.pick([...configs]);
  const words = ['weight_0', 'weight_1', 'custom_obj_0', 'opaque_obj_0', 'tensor_0', '../weight_0', ...names];
  let changed = config;
  for (let n = random.integer(1, 4); n > 0; n--)
    changed = changeJson(random, changed, vocabularyOf(config, words));
  const json = Buffer.from(JSON.stringify(changed));
  return { what: `changes to ${entries[i].name}`, value: zip(replaced(entries, i, json)) };
}

/** Of raw bytes: changed, of another length, missing, or under another name. */
function changeStorage(random: Random, entries: readonly ZipEntry[], i: number): Change<Buffer> {
  const { name, data } = entries[i];
  const [what, changed] = random.pick<() => readonly [string, readonly ZipEntry[]]>([
    () => ['bytes', replaced(entries, i, changeBytes(random, data).value)],
    () => ['cut', replaced(entries, i, data.subarray(0, random.integer(0, data.length - 1)))],
    () => ['removed', entries.toSpliced(i, 1)],
    () => ['renamed', entries.with(i, { ...entries[i], name: random.pick([...names, entries[0].name]) })],
    () => ['compressed', entries.with(i, { ...entries[i], deflated: true })],
  ])();
  return { what: `${name}: ${what}`, value: zip(changed) };
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
