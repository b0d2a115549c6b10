import type { Arguments, Dim, TensorMeta } from '../../graph/index.ts';
import { type DType, isFloatingPoint } from '../../tensor/index.ts';
import { operandOf, promotedOperand, withInPlaceTwin } from '../pointwise/elementwise.ts';
import type { NativeDefinition, OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { DEFAULT_FLOAT, resultType } from '../result-type.ts';

/** The arguments that every operator of PyTorch that makes a tensor has. */
export const tensorOptions =
  'ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None';

const memoryFormat = ', MemoryFormat? memory_format=None';

/** Where a filled tensor's dtype and shape come from. */
interface Form {
  readonly shape: (args: Arguments<TensorMeta>) => readonly Dim[];
  /** The dtype, if the call names none. */
  readonly dtype: (args: Arguments<TensorMeta>) => DType;
}

const likeSelf: Form = {
  shape: (args) => args.tensor('self').shape,
  dtype: (args) => args.tensor('self').dtype,
};
const ofSize: Form = { shape: (args) => args.dims('size'), dtype: () => DEFAULT_FLOAT };
const newOfSize: Form = { shape: (args) => args.dims('size'), dtype: (args) => args.tensor('self').dtype };

/**
 * A tensor of one value: the number `value`, or the argument of that name. Its elements are written at run time where
 * the shape is that of a tensor; where the shape is known, a plan holds them as a constant.
 */
function filled(schema: string, form: Form, value: number | string): NativeDefinition {
  const isLikeSelf = schema.includes('Tensor self');
  return {
    schema,
    infer: (args) => {
      const hasDtype = args.schema.arguments.some(({ name }) => name === 'dtype');
      const isNamed = hasDtype && !args.isNone('dtype');
      return { dtype: isNamed ? args.dtype('dtype') : form.dtype(args), shape: form.shape(args) };
    },
    // Of the tensor only dtype and shape are read.
    samples: isLikeSelf ? ['self'] : [],
    step: <T extends TensorLike>(args: Arguments<T>): Step<T> => {
      const operand = typeof value === 'number' ? value : operandOf(args, value);
      return typeof operand === 'number'
        ? { op: 'fill', inputs: [], attributes: { value: operand } }
        : { op: 'fill', inputs: [operand], attributes: {} };
    },
  };
}

/** `NAME(size)`, `NAME_like(self)` and `self.new_NAME(size)`. */
function constant(name: string, value: number): NativeDefinition[] {
  return [
    filled(`aten::${name}(SymInt[] size, *, ${tensorOptions}) -> Tensor`, ofSize, value),
    filled(`aten::${name}_like(Tensor self, *, ${tensorOptions}${memoryFormat}) -> Tensor`, likeSelf, value),
    filled(`aten::new_${name}(Tensor self, SymInt[] size, *, ${tensorOptions}) -> Tensor`, newOfSize, value),
  ];
}

/** The value of `full` decides the dtype: bool, int64 for a whole number, else a float. */
const ofValue: Form = {
  ...ofSize,
  dtype: (args) => resultType([promotedOperand(args, 'fill_value')], args.schema.name),
};

/** @throws Error where the value has dimensions, or is a float and the tensor holds integers. */
function checkFill(args: Arguments<TensorMeta>): void {
  const { name } = args.schema;
  const value = promotedOperand(args, 'value');
  if (typeof value === 'object' && value.shape.length > 0)
    throw new Error(`${name}: the value must have no dimensions, got [${value.shape.join(', ')}]`);
  const [from, to] = [resultType([value], name), args.tensor('self').dtype];
  if (isFloatingPoint(from) && !isFloatingPoint(to))
    throw new Error(`${name}: a value of ${from} cannot be written to a tensor of ${to}`);
}

function fill(overload: string, type: string): NativeDefinition[] {
  const definition = filled(
    `aten::fill.${overload}(Tensor self, ${type} value) -> Tensor`,
    likeSelf,
    'value',
  );
  return withInPlaceTwin({
    ...definition,
    infer: (args) => {
      checkFill(args);
      return definition.infer(args);
    },
  });
}

/** Operators that make a tensor of one value. What PyTorch leaves without values is 0 here. */
export const filledTensors: readonly OperatorDefinition[] = [
  ...constant('zeros', 0),
  ...constant('ones', 1),
  filled(`aten::empty.memory_format(SymInt[] size, *, ${tensorOptions}${memoryFormat}) -> Tensor`, ofSize, 0),
  // Strides are memory's matter: a plan chooses its own.
  filled(`aten::empty_strided(SymInt[] size, SymInt[] stride, *, ${tensorOptions}) -> Tensor`, ofSize, 0),
  filled(`aten::empty_like(Tensor self, *, ${tensorOptions}${memoryFormat}) -> Tensor`, likeSelf, 0),
  filled(`aten::new_empty(Tensor self, SymInt[] size, *, ${tensorOptions}) -> Tensor`, newOfSize, 0),
  filled(
    `aten::full(SymInt[] size, Scalar fill_value, *, ${tensorOptions}) -> Tensor`,
    ofValue,
    'fill_value',
  ),
  filled(
    `aten::full_like(Tensor self, Scalar fill_value, *, ${tensorOptions}${memoryFormat}) -> Tensor`,
    likeSelf,
    'fill_value',
  ),
  filled(
    `aten::new_full(Tensor self, SymInt[] size, Scalar fill_value, *, ${tensorOptions}) -> Tensor`,
    newOfSize,
    'fill_value',
  ),
  filled(
    `aten::scalar_tensor(Scalar s, *, ${tensorOptions}) -> Tensor`,
    { shape: () => [], dtype: () => DEFAULT_FLOAT },
    's',
  ),
  ...fill('Scalar', 'Scalar'),
  ...fill('Tensor', 'Tensor'),
  ...withInPlaceTwin(filled('aten::zero(Tensor self) -> Tensor', likeSelf, 0)),
];
