import { cpuFeatures, operators } from '../../lib/index.ts';
import { nastyNumbers } from '../nasty-numbers.ts';
import type { Random } from '../random.ts';
import { changeBytes } from './bytes.ts';
import { changeJson, type Json, vocabularyOf } from './json.ts';
import type { Change } from './problem.ts';

/**
 * Damages `.octavo` files: a safetensors file, whose header is JSON, and in whose metadata the graph and what is known of
 * it are JSON documents as strings.
 */

interface TensorEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

interface GraphNode {
  name: string;
  op: string;
  target: string;
  args: Json[];
}

interface OctavoFile {
  readonly header: Record<string, TensorEntry>;
  readonly metadata: Record<string, string>;
  readonly nodes: GraphNode[];
  readonly data: Buffer;
}

const formats = { F32: 4, F64: 8, F16: 2, BF16: 2, U8: 1, I8: 1, U16: 2, I16: 2, I32: 4, I64: 8, BOOL: 1 };
const kernels = [
  ...[
    'ref',
    'ref:any',
    'jit:avx2',
    'jit_dw:avx512_core',
    'jit_int8:avx512_core_vnni',
    'gemm:jit',
    'x8s8s32x:gemm',
  ],
  ...['brgconv:avx512_core_amx_int8', 'brgemm:avx512_core_vnni', 'octavo:exact', 'octavo:exact:avx512', ''],
];

function parse(bytes: Uint8Array): OctavoFile {
  const file = Buffer.from(bytes);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const { __metadata__: metadata, ...header } = JSON.parse(file.toString('utf8', 8, start));
  return { header, metadata, nodes: JSON.parse(metadata.graph).nodes, data: file.subarray(start) };
}

function write({ header, metadata, data }: OctavoFile): Buffer {
  const text = JSON.stringify({ __metadata__: metadata, ...header });
  const bytes = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([length, bytes, data]);
}

type Edit = (random: Random, file: OctavoFile) => string;

/** A change before may have put anything in the place of a node. */
const callsOf = ({ nodes }: OctavoFile) =>
  nodes.filter((node) => node?.op === 'call_function' && Array.isArray(node.args) && node.args.length > 0);
const tensorOf = (random: Random, { header }: OctavoFile) => random.pick(Object.entries(header));

/** Each changes the file in place, and says what it changed. */
const edits: readonly (readonly [weight: number, Edit])[] = [
  [
    6,
    (random, file) => {
      const call = random.pick(callsOf(file));
      if (!call) return 'nothing';
      const { name, args } = call;
      const names = file.nodes.map((node) => node?.name ?? '');
      const at = random.integer(0, args.length - 1);
      const words = [
        ...names,
        ...operators.names,
        'relu',
        'none',
        'sum',
        'gelu',
        'leaky_relu',
        'uint8',
        'int8',
      ];
      const vocabulary = { strings: words, keys: ['node', 'number'] };
      args[at] = random.chance(0.2) ? { node: random.pick(names) } : changeJson(random, args[at], vocabulary);
      return `argument ${at} of ${name}`;
    },
  ],
  [
    1,
    (random, file) => {
      const node = random.pick(callsOf(file));
      if (!node) return 'nothing';
      node.target = random.pick(
        random.chance(0.5) ? operators.names : callsOf(file).map(({ target }) => target),
      );
      return `target of ${node.name}`;
    },
  ],
  [
    1,
    (random, { nodes }) => {
      const [i, j] = [random.integer(0, nodes.length - 1), random.integer(0, nodes.length - 1)];
      [nodes[i], nodes[j]] = [nodes[j], nodes[i]];
      return `order of ${nodes[i]?.name} and ${nodes[j]?.name}`;
    },
  ],
  [1, (random, { nodes }) => `${nodes.splice(random.integer(0, nodes.length - 1), 1)[0]?.name} removed`],
  [
    1,
    (random, { nodes }) => {
      const at = random.integer(0, nodes.length - 1);
      nodes.splice(at + 1, 0, { ...nodes[at], name: `${nodes[at]?.name}_${random.integer(90, 99)}` });
      return `${nodes[at]?.name} doubled`;
    },
  ],
  [
    2,
    (random, { nodes }) => {
      const at = random.integer(0, nodes.length - 1);
      const node = nodes[at] as unknown as Json;
      nodes[at] = changeJson(random, node, vocabularyOf(nodes as unknown as Json)) as unknown as GraphNode;
      return `node ${at}`;
    },
  ],
  [
    1,
    (random, { nodes }) => {
      const gets = nodes.filter((node) => node?.op === 'get_attr');
      if (gets.length === 0) return 'nothing';
      const [a, b] = [random.pick(gets), random.pick(gets)];
      [a.target, b.target] = [b.target, a.target];
      return `${a.name} and ${b.name} swapped`;
    },
  ],
  [
    2,
    (random, file) => {
      const [name, entry] = tensorOf(random, file);
      const { shape } = entry;
      entry.shape = random.pick([shape.toReversed(), [...shape, 1], [1, ...shape], shape.slice(1)]);
      return `shape of ${name}`;
    },
  ],
  [
    1,
    (random, file) => {
      const [name, entry] = tensorOf(random, file);
      const format = random.pick(Object.keys(formats) as (keyof typeof formats)[]);
      const [start, end] = entry.data_offsets;
      Object.assign(entry, { dtype: format, shape: [(end - start) / formats[format]] });
      return `dtype of ${name}`;
    },
  ],
  [
    1,
    (random, file) => {
      const [name, { data_offsets: offsets }] = tensorOf(random, file);
      offsets[random.integer(0, 1)] += random.pick([-8, -1, 1, 8, 2 ** 31, 2 ** 53, -(2 ** 40)]);
      return `place of ${name}`;
    },
  ],
  [
    2,
    (random, file) => {
      const [name, { dtype, data_offsets: offsets }] = tensorOf(random, file);
      const size = dtype === 'F32' ? 4 : dtype === 'I64' ? 8 : 1;
      const at = offsets[0] + size * random.integer(0, Math.max(0, (offsets[1] - offsets[0]) / size - 1));
      if (!(at >= 0 && at + size <= file.data.length)) return 'nothing';
      const odd = [0, -1, Number.NaN, Infinity, -Infinity, 1e-45, 3e38, -3e38, 1e30];
      if (dtype === 'F32') file.data.writeFloatLE(random.pick(odd), at);
      else if (dtype === 'I64')
        file.data.writeBigInt64LE(random.pick([1n, -1n, 300n, 2n ** 62n, -(2n ** 63n)]), at);
      else file.data[at] = random.integer(0, 255);
      return `an element of ${name}`;
    },
  ],
  [
    1,
    (random, file) => {
      const shapes = [[random.pick([1, 2, 4, 8]), 3, 32, 32]];
      const choice = { shapes, choice: random.pick([1, 2, 3, 4, 8, 1024, 2 ** 31, 1e15]), times: {} };
      const { isa } = cpuFeatures().oneDnn;
      const kernelOf = ({ name }: GraphNode) => ({
        shapes,
        isa,
        node: name,
        choice: random.pick(kernels),
        times: {},
      });
      const empty = { layers: [], threads: [], parts: [], kernels: [] };
      const tuning = random.pick([
        { threads: [choice] },
        { parts: [choice] },
        { kernels: callsOf(file).map(kernelOf) },
      ]);
      file.metadata.tuning = JSON.stringify({ ...empty, ...tuning });
      return `tuning: ${Object.keys(tuning)}`;
    },
  ],
  [
    1,
    (random, { metadata }) => {
      const range = random.pick([
        { min: 0 },
        { min: 5, max: 2 },
        { min: -5, max: 1e9 },
        { min: 1.5 },
        {},
        [],
        null,
      ]);
      metadata.rangeConstraints = JSON.stringify({ s0: range });
      return 'range constraints';
    },
  ],
  [
    2,
    (random, { metadata }) => {
      const documents = Object.keys(metadata).filter((key) => key !== 'graph' && isDocument(metadata[key]));
      if (documents.length === 0) return 'nothing';
      const key = random.pick(documents);
      const document: Json = JSON.parse(metadata[key]);
      // Of a document without strings there is none to put in a place.
      metadata[key] = JSON.stringify(changeJson(random, document, vocabularyOf(document)) ?? null);
      return `metadata ${key}`;
    },
  ],
  [
    1,
    (random, { metadata }) => {
      const key = random.pick(Object.keys(metadata));
      const cut = metadata[key].slice(0, random.integer(0, metadata[key].length));
      const deep = '['.repeat(random.pick([10, 1000, 200_000]));
      metadata[key] = random.pick([
        '',
        '{}',
        '[]',
        'null',
        '0',
        '"',
        '{"nodes":[]}',
        cut,
        deep,
        `${random.pick(nastyNumbers)}`,
      ]);
      return `metadata ${key} replaced`;
    },
  ],
];

/** Whether a text is a JSON object: another change may have cut it. */
function isDocument(text: string): boolean {
  if (!text.startsWith('{')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Damages a file's structure, and now and then its bytes. */
export function changeOctavoFile(random: Random, bytes: Uint8Array): Change<Buffer> {
  if (random.chance(0.15)) return changeBytes(random, bytes);
  const file = parse(bytes);
  const { graph } = file.metadata;
  const what: string[] = [];
  for (let n = random.chance(0.6) ? 1 : random.integer(1, 4); n > 0; n--)
    what.push(random.weighted(edits)(random, file));
  // Unless it was replaced as a whole.
  if (file.metadata.graph === graph)
    file.metadata.graph = JSON.stringify({ ...JSON.parse(graph), nodes: file.nodes });
  return { what: what.join(', '), value: write(file) };
}
