import { type Arguments, addDims, dimsEqual, type TensorMeta } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { normalizeAxis } from '../shape-rules.ts';

/** Names of the operators that change a tensor's dtype. */
export const castOperators: readonly string[] = [
  'aten.to.dtype',
  'aten._to_copy.default',
  'prims.convert_element_type.default',
];

function inferCat(args: Arguments<TensorMeta>): TensorMeta {
  const { name } = args.schema;
  const tensors = args.tensors('tensors');
  if (tensors.length === 0) throw new Error(`${name}: needs at least one tensor`);
  const [{ dtype, shape }] = tensors;
  const axis = normalizeAxis(args.number('dim'), shape.length, name);
  for (const tensor of tensors) {
    const fits = tensor.shape.length === shape.length;
    if (!fits || !tensor.shape.every((extent, i) => i === axis || dimsEqual(extent, shape[i])))
      throw new Error(
        `${name}: [${tensor.shape.join(', ')}] does not fit [${shape.join(', ')}] along axis ${axis}`,
      );
    if (tensor.dtype !== dtype) throw new Error(`${name}: dtypes ${dtype} and ${tensor.dtype} differ`);
  }
  const total = addDims(...tensors.map((tensor) => tensor.shape[axis]));
  return { dtype, shape: shape.map((extent, i) => (i === axis ? total : extent)) };
}

/** The amounts in order of the extents. `pad` lists them before and after, last extent first. */
function paddingPerAxis<T>(rank: number, args: Arguments<T>): { before: number[]; after: number[] } {
  const pad = args.numbers('pad');
  if (pad.length % 2 !== 0 || pad.length > 2 * rank)
    throw new Error(`${args.schema.name}: [${pad.join(', ')}] does not fit ${rank} extents`);
  const amount = (axis: number, side: number) => pad[2 * (rank - 1 - axis) + side] ?? 0;
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return { before: axes.map((axis) => amount(axis, 0)), after: axes.map((axis) => amount(axis, 1)) };
}

function padding(schema: string, value: <T>(args: Arguments<T>) => number): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      const { name } = args.schema;
      const { dtype, shape } = args.tensor('self');
      const { before, after } = paddingPerAxis(shape.length, args);
      const padded = shape.map((extent, i) => addDims(extent, before[i], after[i]));
      value(args);
      if (padded.some((extent) => typeof extent === 'number' && extent < 0))
        throw new Error(`${name}: nothing of [${shape.join(', ')}] is left after padding`);
      return { dtype, shape: padded };
    },
    samples: ['self'],
    step: (args) => {
      const self = args.tensor('self');
      const { before } = paddingPerAxis(self.shape.length, args);
      return { op: 'pad', inputs: [self], attributes: { padding: before, value: value(args) } };
    },
  };
}

function constantModeValue<T>(args: Arguments<T>): number {
  const mode = args.string('mode');
  if (mode !== 'constant')
    throw new Error(
      `${args.schema.name}: mode '${mode}' is not supported; pad with constants (padding_mode='zeros')`,
    );
  return args.optionalNumber('value') ?? 0;
}

/** A cast; a copy if the dtype is the same. */
function cast(schema: string): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      return { dtype: args.isNone('dtype') ? dtype : args.dtype('dtype'), shape };
    },
    samples: ['self'],
    step: <T extends TensorLike>(args: Arguments<T>) => ({
      op: 'copy',
      inputs: [args.tensor('self')],
      attributes: {},
    }),
  };
}

const concatenatedAxis = (args: Arguments<{ readonly shape: readonly unknown[] }>): number =>
  normalizeAxis(args.number('dim'), args.tensors('tensors')[0].shape.length, args.schema.name);

function concatenation(name: string): NativeDefinition {
  return {
    schema: `aten::${name}(Tensor[] tensors, int dim=0) -> Tensor`,
    infer: inferCat,
    samples: (args) => (concatenatedAxis(args) > 0 ? ['tensors'] : []),
    step: (args) => ({
      op: 'concat',
      inputs: args.tensors('tensors'),
      attributes: { axis: concatenatedAxis(args) },
    }),
  };
}

/** Operators that copy elements without arithmetic: concatenation, padding, casts. */
export const movement: readonly OperatorDefinition[] = [
  concatenation('cat'),
  concatenation('concat'),
  padding(
    'aten::pad(Tensor self, SymInt[] pad, str mode="constant", float? value=None) -> Tensor',
    constantModeValue,
  ),
  padding('aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor', (args) =>
    args.number('value'),
  ),
  cast(
    'aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor',
  ),
  cast(
    'aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
  ),
  cast('prims::convert_element_type(Tensor a, ScalarType dtype) -> Tensor'),
];
