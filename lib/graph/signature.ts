import { type DType, type ForeignTensor, Tensor } from '../tensor/index.ts';
import type { Graph } from './graph.ts';
import type { GraphModule } from './graph-module.ts';
import { isArgumentList, isTensorMeta, Node, tensorMeta } from './node.ts';
import { checkRanges, type SymbolRanges } from './symbol-range.ts';
import { type Dim, type SymInt, subDims } from './symbolic.ts';

/** An input or output of a model: its name, and its dtype and shape as far as they are fixed. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Tensor['dtype'];
  /** Numbers, and symbols (`s0`) for sizes that every request chooses. */
  readonly shape: readonly Dim[];
}

/** An input of a graph as far as it is declared: nothing but its name where `meta.val` is not set. */
export type InputInfo =
  | TensorInfo
  | { readonly name: string; readonly dtype?: never; readonly shape?: never };

/** Inputs of a model: by name, in order, or the tensor itself if there is one input. */
export type ModelInputs =
  | Readonly<Record<string, Tensor | ForeignTensor>>
  | readonly (Tensor | ForeignTensor)[]
  | Tensor
  | ForeignTensor;

/** Tensors that receive a model's results: by name, in order, or the tensor itself if there is one output. */
export type ModelOutputs = ModelInputs;

/** Shapes by input name, or the shape itself if there is one input. */
export type ModelShapes = Readonly<Record<string, readonly number[]>> | readonly number[];

const equal = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((extent, axis) => extent === b[axis]);

const format = (dtype: string, shape: readonly Dim[]) => `${dtype}[${shape.join(', ')}]`;

/** The graph's inputs, with dtype and shape where they are known: in a graph that was built by hand they may not be. */
export function declaredInputs({ placeholders }: Graph): readonly InputInfo[] {
  return placeholders.map((node) => ({ name: node.target, ...tensorMeta(node) }));
}

/**
 * The graph's inputs.
 * @throws Error when an input's dtype and shape are unknown.
 */
export function inputsOf({ graph }: GraphModule): readonly TensorInfo[] {
  return declaredInputs(graph).map((info) => {
    if (info.dtype) return info;
    throw new Error(`input '${info.name}': dtype and shape are unknown (meta.val is not set)`);
  });
}

/**
 * The graph's outputs, under the names they had when the graph was captured.
 * @throws Error when a result is not a tensor, or the number of names differs from that of results.
 */
export function outputsOf({ graph }: GraphModule, metas: ReadonlyMap<Node, unknown>): readonly TensorInfo[] {
  const { args, meta } = graph.outputNode;
  const results = isArgumentList(args[0]) ? args[0] : [args[0]];
  const names = meta.outputNames ?? results.map(String);
  if (names.length !== results.length || new Set(names).size !== names.length)
    throw new Error(`the graph's ${results.length} outputs are named ${names.join(', ')}`);
  return results.map((arg, i) => {
    const value = arg instanceof Node ? metas.get(arg) : undefined;
    if (!isTensorMeta(value)) throw new Error(`output '${names[i]}' is not a tensor`);
    return { name: names[i], dtype: value.dtype, shape: value.shape };
  });
}

/**
 * The tensors of one run in the model's order.
 * @param ranges ranges of the sizes that each run chooses.
 * @throws Error that says which input is missing, unknown or not a tensor, has another dtype, rank or extent than the
 * model accepts, chooses another size for a symbol than the input before it, or one outside the symbol's range.
 */
export function bindInputs(infos: readonly InputInfo[], given: ModelInputs, ranges: SymbolRanges): Tensor[] {
  const tensors = inOrder(infos, given, isTensorLike, 'tensor').map((value, i) =>
    acceptFixed(value, `input '${infos[i].name}'`),
  );
  const symbols: ChosenSizes = new Map();
  for (const [i, { dtype, shape }] of tensors.entries()) {
    const info = infos[i];
    if (!info.dtype) continue;
    if (dtype !== info.dtype) throw misfit(info, format(dtype, shape));
    checkShape(info, shape, ranges, symbols, () => format(dtype, shape));
  }
  return tensors;
}

/**
 * The tensors that receive a request's results, in the model's order.
 * @param metas dtype and shape that each result of this request has.
 * @throws Error that says which output is missing, unknown or not a tensor, or has another dtype or shape.
 */
export function bindOutputs(
  infos: readonly TensorInfo[],
  metas: readonly { readonly dtype: DType; readonly shape: readonly number[] }[],
  given: ModelOutputs,
): Tensor[] {
  return inOrder(infos, given, isTensorLike, 'tensor', 'output').map((value, i) => {
    const [what, { dtype, shape }] = [`output '${infos[i].name}'`, metas[i]];
    const tensor = acceptFixed(value, what);
    if (tensor.dtype !== dtype || !equal(tensor.shape, shape))
      throw new Error(`${what} must be ${format(dtype, shape)}, got ${format(tensor.dtype, tensor.shape)}`);
    return tensor;
  });
}

/**
 * Checks tensors, one for each input in order, only as far as any graph needs it: their number, and that their sizes are
 * in their ranges. The interpreter also runs a graph on other dtypes and fixed sizes than it was captured with.
 * @throws Error that says how many inputs there are, or which size is outside its range.
 */
export function checkInputs(
  infos: readonly InputInfo[],
  inputs: readonly Tensor[],
  ranges: SymbolRanges,
): void {
  if (inputs.length !== infos.length) throw new Error(expected(infos, 'tensor', `${inputs.length}`));
  for (const [i, info] of infos.entries()) {
    const { dtype, shape } = inputs[i];
    if (info.dtype && info.shape.length === shape.length)
      checkRanges(info, shape, ranges, () => format(dtype, shape));
  }
}

/** Without a copy. Memory that could shrink while a worker uses it is refused. */
function acceptFixed(value: Tensor | ForeignTensor, what: string): Tensor {
  const tensor = Tensor.accept(value, what);
  if ('resizable' in tensor.data.buffer && tensor.data.buffer.resizable)
    throw new Error(`${what} lies in a resizable ArrayBuffer; give it one of fixed length`);
  return tensor;
}

/**
 * The shapes in the model's order, checked like those of a request.
 * @throws Error as {@link bindInputs} does.
 */
export function bindShapes(
  infos: readonly TensorInfo[],
  given: ModelShapes,
  ranges: SymbolRanges,
): (readonly number[])[] {
  const isShape = (value: unknown): value is readonly number[] =>
    Array.isArray(value) && value.every((extent) => Number.isSafeInteger(extent));
  const shapes = isShape(given) ? [given] : inOrder(infos, given, isShape, 'shape');
  if (shapes.length !== infos.length) throw new Error(expected(infos, 'shape', 'one shape'));
  const symbols: ChosenSizes = new Map();
  for (const [i, shape] of shapes.entries())
    checkShape(infos[i], shape, ranges, symbols, () => `[${shape.join(', ')}]`);
  return shapes;
}

/** The shapes of every request, by input name, if the model fixes all of their sizes; otherwise undefined. */
export function fixedShapes(
  infos: readonly TensorInfo[],
): Readonly<Record<string, readonly number[]>> | undefined {
  const isFixed = (shape: readonly Dim[]): shape is readonly number[] =>
    shape.every((extent) => typeof extent === 'number');
  const shapes = infos.map(({ name, shape }) => [name, shape] as const);
  return shapes.every((entry): entry is [string, readonly number[]] => isFixed(entry[1]))
    ? Object.fromEntries(shapes)
    : undefined;
}

function isTensorLike(value: unknown): value is Tensor | ForeignTensor {
  // An input may be named `dims` as well.
  return (
    value instanceof Tensor ||
    (typeof value === 'object' && value !== null && 'dims' in value && Array.isArray(value.dims))
  );
}

function expected(infos: readonly InputInfo[], what: string, got: string, kind = 'input'): string {
  const describe = ({ name, dtype, shape }: InputInfo) => (dtype ? `${name}: ${format(dtype, shape)}` : name);
  const list = infos.map(describe).join(', ');
  return `expected one ${what} for each ${kind} (${list}), got ${got}`;
}

function inOrder<T>(
  infos: readonly InputInfo[],
  given: unknown,
  is: (value: unknown) => value is T,
  what: string,
  kind: 'input' | 'output' = 'input',
): T[] {
  if (typeof given !== 'object' || given === null)
    throw new Error(expected(infos, what, String(given), kind));
  if (is(given) || Array.isArray(given)) {
    const list: unknown[] = is(given) ? [given] : given;
    if (list.length !== infos.length) throw new Error(expected(infos, what, `${list.length}`, kind));
    return list as T[];
  }
  const record = given as Readonly<Record<string, T>>;
  for (const name of Object.keys(record))
    if (!infos.some((info) => info.name === name)) throw new Error(expected(infos, what, `'${name}'`, kind));
  return infos.map(({ name }) => {
    if (!Object.hasOwn(record, name)) throw new Error(expected(infos, what, `none for '${name}'`, kind));
    return record[name];
  });
}

/** The sizes that the inputs so far have chosen for each symbol. */
type ChosenSizes = Map<string, { readonly size: number; readonly input: string }>;

/** @param got describes the actual input: a text that a request which fits does not need. */
function checkShape(
  info: TensorInfo,
  shape: readonly number[],
  ranges: SymbolRanges,
  chosen: ChosenSizes,
  got: () => string,
): void {
  if (shape.length !== info.shape.length) throw misfit(info, got());
  for (const [axis, dim] of info.shape.entries()) {
    const extent = shape[axis];
    if (typeof dim !== 'number') choose(dim, extent, info, chosen, got);
    else if (extent !== dim) throw misfit(info, got());
  }
  checkRanges(info, shape, ranges, got);
}

function misfit(info: TensorInfo, got: string, condition = ''): Error {
  return new Error(`input '${info.name}' must be ${format(info.dtype, info.shape)}${condition}, got ${got}`);
}

/**
 * An extent of one symbol, `2*s0 + 1`, determines the symbol's size; one of several only has to be equal everywhere.
 */
function choose(dim: SymInt, extent: number, info: TensorInfo, chosen: ChosenSizes, got: () => string) {
  if (extent < 1) throw misfit(info, got(), ` with ${dim} at least 1`);
  const { symbol, unit, offset } = linearIn(dim);
  if ((extent - offset) % unit !== 0)
    throw misfit(info, got(), ` with ${subDims(dim, offset)} a multiple of ${unit}`);
  const size = (extent - offset) / unit;
  if (size < 0) throw misfit(info, got(), ` with ${symbol} at least 0`);
  const before = chosen.get(symbol);
  if (before && before.size !== size)
    throw misfit(info, `${got()}: ${symbol} is ${before.size} in input '${before.input}'`);
  chosen.set(symbol, { size, input: info.name });
}

/** The size as `unit * symbol + offset`; one of several symbols counts as a symbol of its own. */
function linearIn(dim: SymInt): { symbol: string; unit: number; offset: number } {
  const [first, constant, ...others] = dim.terms;
  const isLinear = first.symbols.length === 1 && (constant?.symbols.length ?? 0) === 0 && others.length === 0;
  if (!isLinear) return { symbol: String(dim), unit: 1, offset: 0 };
  return { symbol: first.symbols[0], unit: first.coefficient, offset: constant?.coefficient ?? 0 };
}
