import { decodeOnnx, encodeOnnxModel, type OnnxModel } from '../../lib/capture/onnx/schema.ts';
import { nastyNumbers } from '../nasty-numbers.ts';
import type { Random } from '../random.ts';
import { changeBytes } from './bytes.ts';
import { nestedGraphs } from './nested-graphs.ts';
import type { Change, Changer } from './problem.ts';

/** A message as it is decoded. A change may put anything in the place of a field. */
type Message = Record<string, unknown>;

/** A model while it is changed, with the names and operators that occur in it. */
interface Draft {
  readonly model: Message;
  readonly graph: Message;
  readonly names: readonly string[];
}

type Edit = (random: Random, draft: Draft) => string;

/** Beside the model's own: those that compute on sizes, hold graphs, or grow their result. */
const otherOperators = [
  ...['If', 'Loop', 'Expand', 'Tile', 'Reshape', 'Range', 'ConstantOfShape', 'Pad', 'Resize', 'Slice'],
  ...['Gather', 'Concat', 'Split', 'Transpose', 'Shape', 'Cast', 'Where', 'Einsum', 'OneHot', 'Squeeze'],
  ...['Unsqueeze', 'Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'LSTM', 'MaxPool', 'ReduceSum', 'TopK'],
  ...['DequantizeLinear', 'QLinearConv', 'Constant', 'Identity', 'NonZero', 'ScatterND', 'CumSum', 'nothing'],
];
const attributeNames = [
  ...['axis', 'axes', 'pads', 'strides', 'kernel_shape', 'dilations', 'group', 'perm', 'to', 'value', 'mode'],
  ...[
    'auto_pad',
    'epsilon',
    'keepdims',
    'output_padding',
    'hidden_size',
    'direction',
    'equation',
    'blocksize',
  ],
];
const strings = [
  '',
  'x',
  'SAME_UPPER',
  'VALID',
  'reflect',
  'bidirectional',
  'bij,bjk->bik',
  '...',
  'ij->'.repeat(99),
];

const list = (message: unknown, field: string): Message[] => {
  const value = (message as Message | null)?.[field];
  return Array.isArray(value) ? value : [];
};
const whole = (random: Random): number => Math.trunc(random.pick(nastyNumbers));
const wholes = (random: Random): number[] =>
  Array.from({ length: random.pick([0, 1, 2, 3, 4, 5, 8, 100]) }, () => whole(random));
/** The list that a repeated field holds, changed in one place. */
function changeList(random: Random, owner: Message, field: string, make: () => unknown): void {
  const items = [...list(owner, field)] as unknown[];
  const at = random.integer(0, Math.max(0, items.length - 1));
  random.pick([
    () => items.splice(at, 1),
    () => items.splice(at, 0, items[at] ?? make()),
    () => items.splice(at, 1, make()),
    () => items.splice(at, 1, make()),
    () => items.reverse(),
  ])();
  owner[field] = items;
}

const changeNode: Edit = (random, { graph, names }) => {
  const node = random.pick(list(graph, 'node'));
  const name = () => random.pick([...names, '', 'nothing']);
  const types = list(graph, 'node').map(({ opType }) => opType as string);
  const part = random.pick(['input', 'input', 'output', 'opType', 'opType', 'domain', 'attribute']);
  if (part === 'input' || part === 'output') changeList(random, node, part, name);
  else if (part === 'opType') node.opType = random.pick([...types, ...otherOperators]);
  else if (part === 'domain') node.domain = random.pick(['ai.onnx', 'com.microsoft', 'ai.onnx.ml', 'x']);
  else changeList(random, node, 'attribute', () => newAttribute(random));
  return `${part} of node ${node.name}`;
};

const newAttribute = (random: Random): Message => {
  const attribute: Message = { name: random.pick(attributeNames) };
  setValue(random, attribute);
  return attribute;
};

/** Gives an attribute a value of any kind; its type may say otherwise. */
function setValue(random: Random, attribute: Message): void {
  const kinds: readonly (readonly [number, () => void])[] = [
    [1, () => (attribute.f = random.pick(nastyNumbers))],
    [2, () => (attribute.i = whole(random))],
    [3, () => (attribute.s = Buffer.from(random.pick(strings)))],
    [
      4,
      () =>
        (attribute.t = { dims: wholes(random), dataType: random.integer(0, 24), rawData: Buffer.alloc(8) }),
    ],
    [5, () => (attribute.g = { node: [], output: [{ name: 'x' }] })],
    [6, () => (attribute.floats = [random.pick(nastyNumbers), 1])],
    [7, () => (attribute.ints = wholes(random))],
    [8, () => (attribute.strings = [Buffer.from(random.pick(strings))])],
  ];
  const [type, set] = random.pick(kinds);
  set();
  attribute.type = random.chance(0.9) ? type : random.integer(0, 15);
}

const changeAttribute: Edit = (random, { graph }) => {
  const nodes = list(graph, 'node').filter((node) => list(node, 'attribute').length > 0);
  if (nodes.length === 0) return 'nothing';
  const node = random.pick(nodes);
  const attribute = random.pick(list(node, 'attribute'));
  if (list(attribute, 'ints').length > 0 && random.chance(0.7))
    changeList(random, attribute, 'ints', () => whole(random));
  else if (random.chance(0.15)) attribute.name = random.pick(attributeNames);
  else setValue(random, attribute);
  return `attribute ${attribute.name} of node ${node.name}`;
};

const changeNodes: Edit = (random, { graph }) => {
  const before = list(graph, 'node').length;
  const nodes = [...list(graph, 'node')];
  const [i, j] = [random.integer(0, before - 1), random.integer(0, before - 1)];
  if (random.chance(0.3)) [nodes[i], nodes[j]] = [nodes[j], nodes[i]];
  else if (random.chance(0.5)) nodes.splice(i, 1);
  // A result that is needed for itself, by way of another node or at once.
  else nodes[i].input = [(list(nodes[j], 'output')[0] ?? '') as unknown, ...list(nodes[i], 'input').slice(1)];
  graph.node = nodes;
  return `nodes ${i}, ${j}`;
};

/** A tensor's description, or the elements of those that say shapes and scales. */
const changeTensor: Edit = (random, draft) => {
  const { graph, names } = draft;
  if (list(graph, 'initializer').length === 0) return 'nothing';
  const tensor = random.pick(list(graph, 'initializer'));
  const raw = tensor.rawData as Uint8Array | undefined;
  const part = random.pick([
    'dims',
    'dims',
    'dataType',
    'rawData',
    'element',
    'field',
    'name',
    'gone',
    'twice',
  ]);
  if (part === 'dims') changeList(random, tensor, 'dims', () => whole(random));
  else if (part === 'dataType') tensor.dataType = random.integer(0, 30);
  else if (part === 'rawData' && raw) tensor.rawData = changeBytes(random, raw).value;
  else if (part === 'element' && raw && raw.length >= 8) {
    const bytes = Buffer.from(raw);
    const at = 4 * random.integer(0, Math.floor(raw.length / 4) - 2);
    if (random.chance(0.5)) bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(whole(random))), at);
    else bytes.writeFloatLE(random.pick([Number.NaN, Infinity, -Infinity, 1e-45, 3e38, -1]), at);
    tensor.rawData = bytes;
  } else if (part === 'field') {
    if (random.chance(0.5)) delete tensor.rawData;
    tensor[random.pick(['floatData', 'int32Data', 'int64Data', 'doubleData', 'uint64Data'])] = wholes(random);
  } else if (part === 'name') tensor.name = random.pick([...names, '']);
  else if (part === 'gone')
    graph.initializer = list(graph, 'initializer').filter((other) => other !== tensor);
  else graph.initializer = [...list(graph, 'initializer'), tensor];
  return `${part} of tensor ${tensor.name}`;
};

const locations = [
  ...[
    '../../etc/passwd',
    '/etc/passwd',
    'link',
    '.',
    '..',
    '',
    'nothing',
    'data\0',
    'a/../../etc/passwd',
    'self',
  ],
  'x'.repeat(5000),
];
const places = ['0', '1', '4096', '-1', '1e3', ' 1', '0x10', '9007199254740993', '18446744073709551616', ''];

/** Where a tensor's elements are said to be. */
const changeExternal: Edit = (random, { graph }) => {
  if (list(graph, 'initializer').length === 0) return 'nothing';
  const tensor = random.pick(list(graph, 'initializer'));
  const given = list(tensor, 'externalData');
  const entries = new Map(given.map(({ key, value }) => [key as string, value as string]));
  const key = random.pick(['location', 'location', 'offset', 'length', 'checksum']);
  entries.set(key, random.pick(key === 'location' ? [...locations, 'data'] : places));
  if (random.chance(0.1)) entries.delete(random.pick(['location', 'offset', 'length']));
  tensor.externalData = [...entries].map(([key, value]) => ({ key, value }));
  tensor.dataLocation = random.chance(0.95) ? 1 : whole(random);
  return `${key} of tensor ${tensor.name}`;
};

const changeValue: Edit = (random, { graph, names }) => {
  const field = random.pick(['input', 'output']);
  if (list(graph, field).length === 0) return 'nothing';
  const value = random.pick(list(graph, field));
  const type = (value.type as Message | null)?.tensorType as Message | null;
  const dim = () => random.pick([{ dimValue: whole(random) }, { dimParam: random.pick(['n', 'h', '']) }, {}]);
  random.weighted<() => unknown>([
    [2, () => Object.assign(value, { name: random.pick([...names, '']) })],
    [2, () => changeList(random, graph, field, () => ({ name: random.pick(names) }))],
    [1, () => Object.assign(value, { type: random.pick([null, {}, { tensorType: null }]) })],
    [2, () => type && Object.assign(type, { elemType: random.integer(0, 24) })],
    [1, () => type && Object.assign(type, { shape: null })],
    [5, () => type?.shape && changeList(random, type.shape as Message, 'dim', dim)],
  ])();
  return `${field} ${value.name}`;
};

const changeModel: Edit = (random, { model, names }) => {
  const call = { opType: 'Own', domain: 'own', input: [names[0]], output: ['again'] };
  const body = {
    name: 'Own',
    domain: 'own',
    input: ['a'],
    output: ['again'],
    node: [{ ...call, input: ['a'] }],
  };
  return random.pick([
    () => {
      model.opsetImport = [{ domain: '', version: whole(random) }];
      return 'operator set';
    },
    () => {
      // A function that calls itself.
      Object.assign(model, {
        functions: [body],
        opsetImport: [...list(model, 'opsetImport'), { domain: 'own', version: 1 }],
      });
      (model.graph as Message).node = [call, ...list(model.graph, 'node')];
      return 'function';
    },
    () => {
      model.graph = random.pick([null, {}]);
      return 'graph';
    },
    () => {
      model.irVersion = whole(random);
      return 'version';
    },
  ])();
};

const edits: readonly (readonly [weight: number, Edit])[] = [
  [4, changeNode],
  [4, changeAttribute],
  [2, changeNodes],
  [4, changeTensor],
  [1, changeExternal],
  [2, changeValue],
  [1, changeModel],
];

/** Damages a `.onnx` file: what its messages say, and now and then its bytes. */
export function onnxChanger(bytes: Uint8Array): Changer {
  return (random) => {
    if (random.chance(0.2)) return changeBytes(random, bytes);
    if (random.chance(0.02)) return nestedGraphs(random);
    return changeMessages(random, bytes, edits);
  };
}

/** The same for a file whose tensors are in another, beside it. */
export function externalChanger(bytes: Uint8Array): Changer {
  const { model, data } = moveOut(bytes);
  return (random) => {
    const change = random.chance(0.3)
      ? changeMessages(random, model, edits)
      : changeMessages(random, model, [[1, changeExternal]]);
    const beside = random.chance(0.3) ? changeBytes(random, data).value : data;
    return { ...change, beside };
  };
}

function changeMessages(
  random: Random,
  bytes: Uint8Array,
  edits: readonly (readonly [number, Edit])[],
): Change<Buffer> {
  const what: string[] = [];
  const model = decodeOnnx('ModelProto', bytes) as Message;
  const graph = model.graph as Message;
  const names = [
    ...list(graph, 'node').flatMap(({ input, output }) => [...(input as string[]), ...(output as string[])]),
    ...list(graph, 'initializer').map(({ name }) => name as string),
  ];
  for (let n = random.chance(0.6) ? 1 : random.integer(1, 4); n > 0; n--)
    if (list(model.graph, 'node').length > 0)
      what.push(random.weighted(edits)(random, { model, graph, names }));
  return { what: what.join(', '), value: Buffer.from(encodeOnnxModel(model as unknown as OnnxModel)) };
}

/** The model with the bytes of its tensors in another file, `data`. */
function moveOut(bytes: Uint8Array): { readonly model: Buffer; readonly data: Buffer } {
  const model = decodeOnnx('ModelProto', bytes) as Message;
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const tensor of list(model.graph, 'initializer')) {
    const raw = tensor.rawData as Uint8Array | undefined;
    if (!raw || raw.length === 0) continue;
    const entries = { location: 'data', offset: String(offset), length: String(raw.length) };
    tensor.externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
    tensor.dataLocation = 1;
    delete tensor.rawData;
    chunks.push(raw);
    offset += raw.length;
  }
  return { model: Buffer.from(encodeOnnxModel(model as unknown as OnnxModel)), data: Buffer.concat(chunks) };
}
