import type { JsonCursor } from '../../../formats/json-cursor.ts';
import type { DType } from '../../../tensor/index.ts';
import { readLayout, readScalarType } from '../values.ts';

/** How a tensor is stored in a raw archive (`PayloadMeta` of PyTorch's export schema). */
export interface PayloadMeta {
  /** The entry that holds the whole storage, beside the config. */
  readonly entry: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** In elements, like the offset. */
  readonly strides: readonly number[];
  readonly offset: number;
}

/** As NumPy and PyTorch limit it. */
const MOST_AXES = 64;

/**
 * Reads one tensor of a payload config.
 * @throws Error with the config's path for what is not a plain tensor (objects, pickles) and for what cannot be a
 * tensor's description.
 */
export function readPayloadMeta(at: JsonCursor): PayloadMeta {
  const path = at.field('path_name');
  const entry = path.string();
  // PyTorch's loader decides by the name, too.
  if (entry.startsWith('custom_obj_'))
    at.fail(`is a custom object (TorchBind), which only PyTorch can load; only tensors are supported`);
  if (entry.startsWith('opaque_obj_'))
    at.fail(`is a pickled Python object, which is never loaded; only tensors are supported`);
  if (at.field('use_pickle').bool())
    at.fail('is a pickled tensor subclass, which is never loaded; only plain tensors are supported');
  if (!/^[^/\\]+$/.test(entry) || entry === '..') path.fail(`is '${entry}', not the name of an entry`);
  const meta = at.field('tensor_meta');
  readLayout(meta.field('layout'));
  const shape = readExtents(meta.field('sizes'), 'a size');
  const strides = readExtents(meta.field('strides'), 'a stride');
  if (shape.length !== strides.length || shape.length > MOST_AXES)
    meta.fail(`has ${shape.length} sizes and ${strides.length} strides`);
  return {
    entry,
    dtype: readScalarType(meta.field('dtype')),
    shape,
    strides,
    offset: readExtent(meta.field('storage_offset'), 'an offset'),
  };
}

function readExtents(at: JsonCursor, what: string): number[] {
  return at.items().map((item) => readExtent(item, what));
}

function readExtent(at: JsonCursor, what: string): number {
  const [kind, value] = at.union();
  if (kind !== 'as_int') value.fail(`is ${what} of kind '${kind}'; stored tensors have numbers`);
  const extent = value.integer();
  return Number.isSafeInteger(extent) && extent >= 0 ? extent : value.fail(`is ${extent}, not ${what}`);
}
