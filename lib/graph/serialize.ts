import { isDType } from '../tensor/index.ts';
import { Graph } from './graph.ts';
import {
  type Argument,
  isArgumentList,
  type MetaValue,
  Node,
  type NumericDebugHandle,
  type TensorMeta,
} from './node.ts';
import { type Dim, SymInt, type SymTerm } from './symbolic.ts';
import { SymFloat } from './symbolic-float.ts';

/** A node argument in JSON: nodes by name, and objects for numbers that JSON cannot express. */
type JsonArgument =
  | string
  | boolean
  | null
  | number
  | readonly JsonArgument[]
  | { readonly node: string }
  | { readonly number: string };

/** A size in JSON: a number, or `{ symbols: ['s0'], coefficient: 2 }`, with further terms if it is a sum. */
type JsonDim = number | (SymTerm & { readonly plus?: readonly SymTerm[] });

interface JsonTensorMeta {
  readonly dtype: string;
  readonly shape: readonly JsonDim[];
}

type JsonMeta =
  | JsonTensorMeta
  | { readonly size: JsonDim }
  | readonly JsonTensorMeta[]
  | { readonly real: string };

interface JsonNode {
  readonly op: string;
  readonly name: string;
  readonly target: string;
  readonly args: readonly JsonArgument[];
  readonly kwargs: Readonly<Record<string, JsonArgument>>;
  readonly val?: JsonMeta;
  readonly outputNames?: readonly string[];
  /** Its number, and scale and zero point where the value is integers. */
  readonly numericDebugHandle?: readonly number[];
}

/** A graph as plain JSON data. */
export interface JsonGraph {
  readonly nodes: readonly JsonNode[];
}

/**
 * The graph as JSON data: its nodes, arguments, `meta.val`, the outputs' names and numeric debug handles. Other facts about nodes belong to
 * the stages that created them and are not written.
 */
export function serializeGraph(graph: Graph): JsonGraph {
  return {
    nodes: graph.nodes.map(({ op, name, target, args, kwargs, meta }) => ({
      op,
      name,
      target,
      args: args.map(serializeArgument),
      kwargs: Object.fromEntries(Object.entries(kwargs).map(([key, arg]) => [key, serializeArgument(arg)])),
      ...(meta.val === undefined ? {} : { val: metaToJson(meta.val) }),
      ...(meta.outputNames === undefined ? {} : { outputNames: meta.outputNames }),
      ...(meta.numericDebugHandle === undefined
        ? {}
        : { numericDebugHandle: handleToJson(meta.numericDebugHandle) }),
    })),
  };
}

/**
 * Reads the graph that {@link serializeGraph} wrote.
 * @throws Error that names the node and the field when the data is not such a graph. The data may come from a hostile
 * file.
 */
export function deserializeGraph(json: unknown): Graph {
  const graph = new Graph();
  const nodes = new Map<string, Node>();
  for (const [index, item] of list(record(json, 'graph').nodes, 'nodes').entries()) {
    const fields = record(item, `node ${index}`);
    const name = text(fields.name, `name of node ${index}`);
    const where = `node '${name}'`;
    const op = text(fields.op, `op of ${where}`);
    const target = text(fields.target, `target of ${where}`);
    const args = list(fields.args, `args of ${where}`).map((arg) => fromJson(arg, nodes, where));
    const kwargs = Object.fromEntries(
      Object.entries(record(fields.kwargs, `kwargs of ${where}`)).map(([key, arg]) => [
        key,
        fromJson(arg, nodes, where),
      ]),
    );
    if (nodes.has(name)) throw new Error(`graph: two nodes are named '${name}'`);
    const node = create(graph, op, name, target, args, kwargs);
    if (fields.outputNames !== undefined) node.meta.outputNames = outputNames(fields.outputNames);
    if (fields.numericDebugHandle !== undefined)
      node.meta.numericDebugHandle = handleFromJson(fields.numericDebugHandle, where);
    if (node.name !== name) throw new Error(`graph: '${name}' is not a valid node name`);
    if (fields.val !== undefined) node.meta.val = metaFromJson(fields.val, where);
    nodes.set(name, node);
  }
  graph.lint();
  return graph;
}

function outputNames(json: unknown): string[] {
  return list(json, 'outputNames').map((name) => text(name, 'name of an output'));
}

const handleToJson = ({ handle, qparams }: NumericDebugHandle) =>
  qparams ? [handle, qparams.scale, qparams.zeroPoint] : [handle];

function handleFromJson(json: unknown, where: string): NumericDebugHandle {
  const [handle, scale, zeroPoint, ...rest] = list(json, `numericDebugHandle of ${where}`);
  const isNumber = (value: unknown): value is number => typeof value === 'number';
  if (isNumber(handle) && Number.isSafeInteger(handle) && rest.length === 0) {
    if (isNumber(scale) && isNumber(zeroPoint)) return { handle, qparams: { scale, zeroPoint } };
    if (scale === undefined) return { handle };
  }
  throw new Error(
    `graph: numericDebugHandle of ${where} must be an integer, or one with scale and zero point`,
  );
}

function create(
  graph: Graph,
  op: string,
  name: string,
  target: string,
  args: readonly Argument[],
  kwargs: Readonly<Record<string, Argument>>,
): Node {
  switch (op) {
    case 'placeholder': {
      const node = graph.placeholder(name);
      node.target = target;
      return node;
    }
    case 'get_attr':
      return graph.getAttr(target, name);
    case 'call_function':
      return graph.callFunction(target, args, kwargs, name);
    case 'output':
      if (args.length !== 1) throw new Error(`graph: output must have one argument, got ${args.length}`);
      return graph.output(args[0]);
    default:
      throw new Error(`graph: node '${name}' has the unknown op '${op}'`);
  }
}

/** A call's argument as JSON data. Different arguments produce different text. */
export function serializeArgument(arg: Argument): JsonArgument {
  if (arg instanceof Node) return { node: arg.name };
  if (isArgumentList(arg)) return arg.map(serializeArgument);
  return typeof arg === 'number' ? serializeNumber(arg) : arg;
}

/** A number as JSON data. JSON would write infinities and NaN as null, and -0 as 0. */
export function serializeNumber(value: number): number | { readonly number: string } {
  if (Object.is(value, -0)) return { number: '-0' };
  return Number.isFinite(value) ? value : { number: String(value) };
}

function fromJson(json: unknown, nodes: ReadonlyMap<string, Node>, where: string): Argument {
  if (Array.isArray(json)) return json.map((item) => fromJson(item, nodes, where));
  if (json === null || ['string', 'number', 'boolean'].includes(typeof json)) return json as Argument;
  const { node, number } = record(json, `argument of ${where}`);
  if (number !== undefined) return Number(text(number, `number in ${where}`));
  const name = text(node, `argument of ${where}`);
  const input = nodes.get(name);
  if (!input) throw new Error(`graph: ${where} takes '${name}', which is no node before it`);
  return input;
}

function dimToJson(dim: Dim): JsonDim {
  if (typeof dim === 'number') return dim;
  const [first, ...plus] = dim.terms;
  return plus.length === 0 ? first : { ...first, plus };
}

const tensorToJson = ({ dtype, shape }: TensorMeta): JsonTensorMeta => ({
  dtype,
  shape: shape.map(dimToJson),
});

function metaToJson(meta: MetaValue): JsonMeta {
  if (typeof meta === 'number' || meta instanceof SymInt) return { size: dimToJson(meta) };
  if (meta instanceof SymFloat) return { real: meta.text };
  return Array.isArray(meta) ? meta.map(tensorToJson) : tensorToJson(meta as TensorMeta);
}

function metaFromJson(json: unknown, where: string): MetaValue {
  if (Array.isArray(json)) return json.map((item) => tensorFromJson(item, where));
  const fields = record(json, `val of ${where}`);
  if (fields.real !== undefined) return new SymFloat(text(fields.real, `val of ${where}`));
  return fields.size === undefined ? tensorFromJson(fields, where) : dimFromJson(fields.size, where);
}

function tensorFromJson(json: unknown, where: string): TensorMeta {
  const { dtype, shape } = record(json, `val of ${where}`);
  const name = text(dtype, `dtype of ${where}`);
  if (!isDType(name)) throw new Error(`graph: ${where} has the unknown dtype '${name}'`);
  return { dtype: name, shape: list(shape, `shape of ${where}`).map((dim) => dimFromJson(dim, where)) };
}

function dimFromJson(json: unknown, where: string): Dim {
  if (typeof json === 'number') {
    if (Number.isSafeInteger(json) && json >= 0) return json;
    throw new Error(`graph: ${where} has a size that is no non-negative integer`);
  }
  const { plus = [] } = record(json, `size of ${where}`);
  const terms = [json, ...list(plus, `plus of ${where}`)].map((term) => termFromJson(term, where));
  const [{ symbols, coefficient }, ...further] = terms;
  return new SymInt(symbols, coefficient, ...further);
}

function termFromJson(json: unknown, where: string): SymTerm {
  const { symbols, coefficient } = record(json, `size of ${where}`);
  if (typeof coefficient !== 'number' || !Number.isSafeInteger(coefficient))
    throw new Error(`graph: ${where} has a size whose coefficient is no integer`);
  return {
    symbols: list(symbols, `symbols of ${where}`).map((symbol) => text(symbol, `symbol of ${where}`)),
    coefficient,
  };
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new Error(`graph: ${what} must be an object`);
}

function list(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`graph: ${what} must be a list`);
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`graph: ${what} must be a string`);
}
