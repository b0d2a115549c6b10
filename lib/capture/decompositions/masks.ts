import {
  type Argument,
  type Arguments,
  type Dim,
  GET_ITEM,
  type Node,
  tensorMeta,
} from '../../graph/index.ts';
import {
  type Add,
  type Call,
  type Decompose,
  type DecompositionDefinition,
  type MultipleDefinition,
  metaOf,
  rankOf,
} from './decomposition.ts';
import { broadcast } from './movement.ts';

/** A mask chooses as the places do where it is true: `x[mask]` is `x[where(mask)]`. */

const isMask = (node: Node | null, operator: string): node is Node => {
  const dtype = node && metaOf(node, operator).dtype;
  return dtype === 'bool' || dtype === 'uint8';
};

/** Where a tensor is not zero: one list of indices for each of its axes. `count` is how the program calls their length. */
function places(add: Add, tensor: Node, operator: string, count: Dim | undefined): Node[] {
  const rank = rankOf(tensor, operator);
  const rows = add('aten.nonzero.default', tensor);
  if (count !== undefined) rows.meta.val = { dtype: 'int64', shape: [count, rank] };
  return Array.from({ length: rank }, (_, axis) => add('aten.select.int', rows, 1, axis));
}

const indicesOf = (args: Arguments<Node>) => args.raw('indices') as readonly (Node | null)[];

function hasMask(args: Arguments<Node>): boolean {
  return indicesOf(args).some((index) => isMask(index, args.schema.name));
}

/** Each mask as the lists of indices of its axes. `count` is how many elements one mask chooses, where the program says it. */
const indexByMasks = (add: Add, args: Arguments<Node>, count: Dim | undefined): Call => {
  const { name } = args.schema;
  const given = indicesOf(args).flatMap((index) =>
    isMask(index, name) ? places(add, index, name, count) : [index],
  );
  return [name.replace('_.default', '.default'), args.tensor('self'), given as Argument, ...restOf(args)];
};

/** The extent of the result that one mask decides: where the first index is, unless others stand apart from it. */
function countIn(node: Node, args: Arguments<Node>): Dim | undefined {
  const indices = indicesOf(args);
  if (indices.filter((index) => isMask(index, args.schema.name)).length > 1) return undefined;
  const first = indices.findIndex((index) => index !== null);
  const last = indices.findLastIndex((index) => index !== null);
  const areNeighbours = indices.slice(first, last).every((index) => index !== null);
  return tensorMeta(node)?.shape[areNeighbours ? first : 0];
}

/** Arguments behind the indices. */
const restOf = (args: Arguments<Node>): Argument[] =>
  args.schema.arguments.slice(2).map(({ name }) => args.raw(name) as Argument);

/** Elements where a mask is true, both under their common shape. */
const maskedSelect: Decompose = (add, args, node) => {
  const { name } = args.schema;
  const [self, mask] = [args.tensor('self'), args.tensor('mask')];
  const count = tensorMeta(node)?.shape[0];
  const isSame = String(metaOf(self, name).shape) === String(metaOf(mask, name).shape);
  const wide = isSame ? [self, mask] : broadcast(add, [self, mask], name).map((call) => add(...call()));
  return ['aten.index.Tensor', wide[0], places(add, wide[1], name, count)];
};

/** A tensor of indices for each axis. */
const perAxis: MultipleDefinition['results'] = (add, args, node) => {
  const { name } = args.schema;
  const [argument] = args.schema.arguments;
  const user = node.users.find(({ target }) => target === GET_ITEM);
  const count = user && tensorMeta(user)?.shape[0];
  const tensor = args.tensor(argument.name);
  return places(add, tensor, name, count).map((list) => (): Call => ['aten.alias.default', list]);
};

/** Operators that choose by a mask. */
export const maskDecompositions: readonly DecompositionDefinition[] = [
  ...['index.Tensor', '_unsafe_index.Tensor'].map((name) => ({
    schema: `aten::${name}(Tensor self, Tensor?[] indices) -> Tensor`,
    applies: hasMask,
    decompose: (add: Add, args: Arguments<Node>, node: Node) => indexByMasks(add, args, countIn(node, args)),
  })),
  ...['index_put', 'index_put_'].map((name) => ({
    schema: `aten::${name}(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor`,
    applies: hasMask,
    decompose: (add: Add, args: Arguments<Node>) => indexByMasks(add, args, undefined),
  })),
  { schema: 'aten::masked_select(Tensor self, Tensor mask) -> Tensor', decompose: maskedSelect },
  { schema: 'aten::where(Tensor condition) -> Tensor[]', results: perAxis },
  { schema: 'aten::nonzero_numpy(Tensor self) -> Tensor[]', results: perAxis },
];
