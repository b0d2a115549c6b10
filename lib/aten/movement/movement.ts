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

/** A cast of the first argument; a copy if the dtype is the same. */
function cast(schema: string): NativeDefinition {
  const name = (args: Arguments<unknown>) => args.schema.arguments[0].name;
  return {
    schema,
    infer: (args) => {
      const { dtype, shape } = args.tensor(name(args));
      return { dtype: args.isNone('dtype') ? dtype : args.dtype('dtype'), shape };
    },
    samples: (args) => [name(args)],
    step: <T extends TensorLike>(args: Arguments<T>) => ({
      op: 'copy',
      inputs: [args.tensor(name(args))],
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

/** Operators that copy elements without arithmetic: concatenation, casts. */
export const movement: readonly OperatorDefinition[] = [
  concatenation('cat'),
  concatenation('concat'),
  concatenation('concatenate'),
  cast(
    'aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor',
  ),
  cast(
    'aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
  ),
  cast('prims::convert_element_type(Tensor a, ScalarType dtype) -> Tensor'),
];
