import { type Arguments, type Dim, SymFloat, SymInt, type TensorMeta } from '../../graph/index.ts';
import type { Attributes } from '../../native/addon-types.ts';
import type { DType } from '../../tensor/index.ts';
import type { NativeDefinition, Step, TensorLike } from '../registry.ts';
import { checkWritable, computeType } from '../result-type.ts';
import { broadcastShapes } from '../shape-rules.ts';

/** An operand of a function of elements: a tensor, or a number that stands in the call. */
export type Operand<T> = T | number;

const operandNames = ['a', 'b', 'c'] as const;

/**
 * The native step `elementwise`: a function of operands that broadcast.
 * @param dtype that operands are read as, and that the function is computed in.
 * @param parameters the function's numbers besides its operands: `alpha`, `beta`, `gamma`.
 */
export function elementwise<T extends TensorLike>(
  algorithm: string,
  dtype: DType,
  operands: readonly Operand<T>[],
  parameters: Attributes = {},
): Step<T> {
  const numbers = operands.flatMap((operand, i) =>
    typeof operand === 'number' ? [[operandNames[i], operand]] : [],
  );
  return {
    op: 'elementwise',
    inputs: operands.filter((operand) => typeof operand !== 'number'),
    attributes: { algorithm, dtype: computeType(dtype), ...parameters, ...Object.fromEntries(numbers) },
  };
}

/** The shape that the tensors among operands broadcast to. */
export function broadcastOperands(operands: readonly unknown[], operator: string): readonly Dim[] {
  return operands
    .filter((operand) => typeof operand === 'object' && operand !== null)
    .map((operand) => (operand as TensorMeta).shape)
    .reduce((a, b) => broadcastShapes(a, b, operator));
}

/**
 * An operand of a call: a tensor, or a number, also where the schema says `Tensor`: `torch.export` writes `x + 1.0` as
 * `add.Tensor(x, 1.0)`. Truth values are 1 and 0.
 * @throws Error for anything else.
 */
export function operandOf<T>(args: Arguments<T>, name: string): Operand<T> {
  const value = args.raw(name);
  if (typeof value === 'number') return value;
  // A symbolic size: of a whole number dtype and shape follow, whichever it is.
  if (value instanceof SymInt) return 1;
  if (value instanceof SymFloat) return 0.5;
  return typeof value === 'boolean' ? Number(value) : args.tensor(name);
}

/** The operand as type promotion looks at it: a truth value is none of numbers. */
export function promotedOperand<T>(args: Arguments<T>, name: string): Operand<T> | boolean {
  const value = args.raw(name);
  return typeof value === 'boolean' ? value : operandOf(args, name);
}

/** `aten::NAME_.OVERLOAD(Tensor(a!) self, ...) -> Tensor(a!)` of an operator's schema. */
function inPlaceSchema(schema: string): string {
  return schema
    .replace(/^(\w+::\w+)/, '$1_')
    .replace('(Tensor self', '(Tensor(a!) self')
    .replace(/-> Tensor$/, '-> Tensor(a!)');
}

/**
 * An operator and its in-place twin, whose result has the dtype of `self`. Capture has already made calls of the twin
 * functional.
 */
export function withInPlaceTwin(definition: NativeDefinition): NativeDefinition[] {
  const infer = (args: Arguments<TensorMeta>): TensorMeta => {
    const result = definition.infer(args) as TensorMeta;
    const self = args.tensor('self');
    checkWritable(result.dtype, self.dtype, args.schema.name);
    if (String(result.shape) !== String(self.shape))
      throw new Error(
        `${args.schema.name}: a result of [${result.shape.join(', ')}] cannot be written to [${self.shape.join(', ')}]`,
      );
    return { ...result, dtype: self.dtype };
  };
  return [definition, { ...definition, schema: inPlaceSchema(definition.schema), infer }];
}

/** The same operator under its other names: `torch.greater` is `torch.gt`. */
export function alsoNamed(
  definitions: readonly NativeDefinition[],
  name: string,
  ...others: readonly string[]
): NativeDefinition[] {
  const renamed = others.flatMap((other) =>
    definitions.map((definition) => ({
      ...definition,
      schema: definition.schema.replace(new RegExp(`^aten::${name}(?=[_.(])`), `aten::${other}`),
    })),
  );
  return [...definitions, ...renamed];
}
