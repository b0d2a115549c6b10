import type { JsonCursor } from '../../formats/json-cursor.ts';
import {
  type Dim,
  dimsEqual,
  type MetaValue,
  mulDims,
  type SymbolRanges,
  type TensorMeta,
} from '../../graph/index.ts';
import type { DType } from '../../tensor/index.ts';
import { parseSizeExpression } from './size-expression.ts';

/** `ScalarType` of PyTorch's `torch/_export/serde/schema.py`. Its numbers differ from c10's. */
const scalarTypes: ReadonlyMap<number, DType> = new Map([
  [1, 'uint8'],
  [2, 'int8'],
  [3, 'int16'],
  [4, 'int32'],
  [5, 'int64'],
  [6, 'float16'],
  [7, 'float32'],
  [8, 'float64'],
  [12, 'bool'],
  [13, 'bfloat16'],
  [28, 'uint16'],
]);
/** Those that Octavo does not have, for messages. */
const otherScalarTypes: ReadonlyMap<number, string> = new Map([
  [9, 'complex32'],
  [10, 'complex64'],
  [11, 'complex128'],
  [29, 'float8_e4m3fn'],
  [30, 'float8_e5m2'],
  [31, 'float8_e4m3fnuz'],
  [32, 'float8_e5m2fnuz'],
  [33, 'float8_e8m0fnu'],
  [34, 'uint32'],
  [35, 'uint64'],
]);
const memoryFormats: ReadonlyMap<number, string> = new Map([
  [1, 'contiguous_format'],
  [2, 'channels_last'],
  [3, 'channels_last_3d'],
  [4, 'preserve_format'],
]);
/** `Layout.Strided`, the layout of every dense tensor. */
const STRIDED = 7;

/** @throws Error with the document's path when the number is not an element type that Octavo supports. */
export function readScalarType(at: JsonCursor): DType {
  const code = at.integer();
  const name = otherScalarTypes.get(code);
  return (
    scalarTypes.get(code) ??
    at.fail(`is element type ${code}${name ? ` (${name})` : ''}, which is not supported`)
  );
}

export function readMemoryFormat(at: JsonCursor): string {
  const code = at.integer();
  return memoryFormats.get(code) ?? at.fail(`is memory format ${code}, which is unknown`);
}

export function readLayout(at: JsonCursor): string {
  if (at.integer() !== STRIDED)
    at.fail(`is layout ${at.integer()}; only dense (strided) tensors are supported`);
  return 'strided';
}

/** An integer computed from sizes, or a symbolic expression. */
function readInteger(at: JsonCursor, ranges: SymbolRanges): Dim {
  const [tag, value] = at.union();
  if (tag === 'as_int') return value.integer();
  if (tag !== 'as_expr') at.fail(`has the unknown kind '${tag}'`);
  const expression = value.field('expr_str');
  try {
    return parseSizeExpression(expression.string(), ranges);
  } catch (error) {
    return expression.fail(`cannot be used: ${(error as Error).message}`);
  }
}

function readSize(at: JsonCursor, ranges: SymbolRanges): Dim {
  const size = readInteger(at, ranges);
  return typeof size === 'number' && size < 0 ? at.fail('is a negative size') : size;
}

/**
 * The archive's information about every value, by name: dtype and sizes of tensors, expressions of symbolic integers.
 */
export class ProgramValues {
  readonly #graph: JsonCursor;
  readonly #ranges: SymbolRanges;
  readonly #metas = new Map<string, TensorMeta | Dim>();

  constructor(graph: JsonCursor, ranges: SymbolRanges) {
    this.#graph = graph;
    this.#ranges = ranges;
    for (const [name, at] of graph.field('tensor_values').entries())
      this.#metas.set(name, readTensorMeta(at, ranges));
    for (const [name, at] of graph.field('sym_int_values').entries())
      this.#metas.set(name, readInteger(at, ranges));
  }

  get(name: string): MetaValue | undefined {
    return this.#metas.get(name);
  }

  /** Whether a parameter is trained: `requires_grad`. */
  requiresGrad(name: string): boolean {
    return this.#graph.field('tensor_values').field(name).field('requires_grad').bool();
  }

  /** Whether PyTorch stored a tensor row by row from the start of its memory on, as Octavo's operators return it. */
  isRowMajor(name: string): boolean {
    const at = this.#graph.field('tensor_values').field(name);
    const read = (item: JsonCursor) => readInteger(item, this.#ranges);
    const [sizes, strides] = ['sizes', 'strides'].map((list) => at.field(list).items().map(read));
    const expected = sizes.map((_, i) => mulDims(...sizes.slice(i + 1)));
    const fits = sizes.every((size, i) => size === 1 || dimsEqual(strides[i], expected[i]));
    return fits && read(at.field('storage_offset')) === 0;
  }
}

function readTensorMeta(at: JsonCursor, ranges: SymbolRanges): TensorMeta {
  readLayout(at.field('layout'));
  const shape = at
    .field('sizes')
    .items()
    .map((size) => readSize(size, ranges));
  return { dtype: readScalarType(at.field('dtype')), shape };
}
