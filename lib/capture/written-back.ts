import { operators } from '../aten/index.ts';
import type { TensorLike } from '../aten/registry.ts';
import { type Argument, Arguments, type Dim, GET_ITEM, type Node, type TensorMeta } from '../graph/index.ts';
import { type Call, metaOf } from './decompositions/decomposition.ts';

interface View {
  readonly base: Node;
  /** What is written. */
  readonly content: Node;
  readonly node: Node;
  readonly args: Arguments<Node>;
}

/** Views that never copy, with the elements in the same order. */
const reshaped = ({ base, content }: View): Call => ['aten.reshape_as.default', content, base];

const permuted = ({ base, content, node }: View): Call => {
  const { definition, schema } = operators.get(node.target);
  const axes = metaOf(base, node.target).shape.map((_, axis) => axis);
  const tensor: TensorLike & { strides: number[] } = { dtype: 'float32', shape: axes, strides: axes };
  const args = Arguments.bind<TensorLike>(schema, [tensor, ...node.args.slice(1)], node.kwargs);
  if (!('strided' in definition)) throw new Error(`${node.target} permutes nothing`);
  const { strides: order } = [definition.strided(tensor, args)].flat()[0];
  return ['aten.permute.default', content, axes.map((axis) => order.indexOf(axis))];
};

const slice = (base: Node, content: Node, ...range: readonly Argument[]): Call => [
  'aten.slice_scatter.default',
  base,
  content,
  ...range,
];

const select = (base: Node, content: Node, axis: number, index: Argument): Call => [
  'aten.select_scatter.default',
  base,
  content,
  axis,
  index,
];

const sliced = ({ base, content, args }: View): Call =>
  slice(base, content, ...['dim', 'start', 'end', 'step'].map((name) => args.raw(name) as Argument));

const narrowed = ({ base, content, args }: View): Call => {
  const [start, length] = [args.number('start'), args.number('length')];
  const end = start < 0 && start + length === 0 ? null : start + length;
  return slice(base, content, args.number('dim'), start, end, 1);
};

const selected = ({ base, content, args }: View): Call =>
  select(base, content, args.number('dim'), args.raw('index') as Argument);

/** A part of those that an axis was divided into. */
const divided = ({ base, content, node, args }: View, index: number): Call => {
  const axis = args.number('dim');
  if (node.target === 'aten.unbind.int') return select(base, content, axis, index);
  const lengths = (node.meta.val as readonly TensorMeta[]).map(({ shape }): Dim => shape.at(axis)!);
  const start = lengths.slice(0, index).reduce<number>((sum, length) => sum + Number(length), 0);
  return slice(base, content, axis, start, start + Number(lengths[index]), 1);
};

const writers: ReadonlyMap<string, (view: View, index: number) => Call> = new Map([
  ...['view.default', 'unflatten.int', 'squeeze.default', 'squeeze.dim', 'squeeze.dims', 'unsqueeze.default']
    .concat(['view_as.default', 'alias.default', 'detach.default', 'detach_.default', 'dropout.default'])
    .map((name) => [name, reshaped] as const),
  ...[
    'permute.default',
    'transpose.int',
    'swapdims.default',
    'swapaxes.default',
    't.default',
    'numpy_T.default',
  ]
    .concat(['mT.default', 'movedim.int', 'movedim.intlist', 'moveaxis.int', 'moveaxis.intlist'])
    .map((name) => [name, permuted] as const),
  ...['split.Tensor', 'split.sizes', 'split_with_sizes.default', 'chunk.default', 'unbind.int'].map(
    (name) => [name, divided] as const,
  ),
  ['slice.Tensor', sliced],
  ['narrow.default', narrowed],
  ['select.int', selected],
]);

/**
 * The call that computes what `base` holds after `content` was written to a view of it.
 * @param view the call that took the view; of a part of a list, the one that picked it.
 * @throws Error that names the view and the writer if the view may be a copy, as `contiguous` and `reshape` may, or if
 * what it shows cannot be written at once, as `expand` shows elements several times.
 */
export function writtenBack(view: Node, base: Node, content: Node, writer: Node): Call {
  const isPart = view.target === GET_ITEM;
  const node = isPart ? (view.args[0] as Node) : view;
  const write = writers.get(node.target.replace(/^aten\./, ''));
  if (!write)
    throw new Error(
      `'${writer}' (${writer.target}) writes the memory of '${base}' through '${view}' (${node.target}), and it is read ` +
        'afterwards; that may be a copy, or shows elements several times: write the model without this in-place operator',
    );
  const args = Arguments.bind<Node>(operators.get(node.target).schema, node.args, node.kwargs);
  return write({ base, content, node, args }, isPart ? (view.args[1] as number) : 0);
}
