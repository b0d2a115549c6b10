import {
  type Argument,
  type Arguments,
  GET_ITEM,
  type Node,
  type TensorMeta,
  tensorMeta,
} from '../../graph/index.ts';

/** One call: an operator's name, and its arguments in the order of its schema, those that are keywords included. */
export type Call = readonly [target: string, ...args: readonly Argument[]];

/** Adds a call to the graph, before the call that is decomposed, and returns its node. */
export type Add = (...call: Call) => Node;

/** Adds all calls but the last one to the graph, and returns that. `node` is the call that is decomposed. */
export type Decompose = (add: Add, args: Arguments<Node>, node: Node) => Call;

interface Definition {
  /** As PyTorch's `native_functions.yaml` writes it. */
  readonly schema: string;
  /** Whether the decomposition applies to this call. Absent: to every call. `node` is the call. */
  readonly applies?: (args: Arguments<Node>, node: Node) => boolean;
}

/** An operator of one result, or of several of which only the first may be used. */
export interface SingleDefinition extends Definition {
  /** Its last call computes the operator's (first) result. */
  readonly decompose: Decompose;
}

/** An operator of several results. */
export interface MultipleDefinition extends Definition {
  /** Returns a function for each result, which is called if the result is used; `undefined` for a result without support. */
  readonly results: (add: Add, args: Arguments<Node>, node: Node) => readonly ((() => Call) | undefined)[];
}

export type DecompositionDefinition = SingleDefinition | MultipleDefinition;

/** An existing node, as the last call of a decomposition. */
export const same = (node: Node): Call => ['aten.alias.default', node];

/**
 * Dtype and shape of a tensor that a decomposition depends on.
 * @throws Error when the program does not state it.
 */
export function metaOf(node: Node, operator: string): TensorMeta {
  const meta = tensorMeta(node);
  if (!meta) throw new Error(`${operator}: the shape of '${node.name}' is unknown`);
  return meta;
}

/** Whether the first result of a call is used, and nobody uses another one. */
export const onlyFirstIsUsed = (node: Node): boolean =>
  node.users.length > 0 &&
  node.users.every((user) => user.target === GET_ITEM && (user.args[1] === 0 || user.users.length === 0));

/** An extent as an argument of a call: a number, or the node that reads it when it is known at run time. */
export function sizeOf(add: Add, node: Node, axis: number, operator: string): Argument {
  const { shape } = metaOf(node, operator);
  const extent = shape[axis];
  return typeof extent === 'number' ? extent : add('aten.sym_size.int', node, axis);
}

/** The number of a tensor's extents. */
export const rankOf = (node: Node, operator: string): number => metaOf(node, operator).shape.length;
