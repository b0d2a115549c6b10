import { operators } from '../../../../aten/index.ts';
import { type Dim, SymInt } from '../../../../graph/index.ts';
import type { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import type { OnnxValue } from '../value.ts';

/** A number, or what an argument says, in every place. */
const filled =
  (value: number | string): OnnxEmitter =>
  (call) => {
    const dtype = call.working('Where');
    const one = typeof value === 'number' ? call.scalar(value, dtype) : call.operand(value, dtype);
    return call.expand(one, call.meta.shape);
  };

/** Evenly spaced numbers: a constant, unless requests choose how many. */
function range(call: OnnxCall): OnnxValue {
  const { args } = call;
  const { name } = args.schema;
  const has = (argument: string) => args.schema.arguments.some((each) => each.name === argument);
  const bound = (argument: string, otherwise: number): Dim =>
    has(argument) ? (args.raw(argument) as Dim) : otherwise;
  const bounds = [bound('start', 0), bound('end', 0), bound('step', 1)];
  if (!bounds.some((each) => each instanceof SymInt)) {
    // Its arguments hold no tensors.
    const result = operators.get(name).execute(args as unknown as Parameters<ExecuteArguments>[0]);
    return call.constant(result as Tensor);
  }
  const dtype = call.working('MatMul');
  const limits = bounds.map((each) =>
    typeof each === 'number' ? call.scalar(each, dtype) : call.cast(call.size(each), dtype),
  );
  return call.op('Range', limits, {}, { shape: call.meta.shape });
}

type ExecuteArguments = ReturnType<(typeof operators)['get']>['execute'];

/** `NAME(size)`, `NAME_like(self)` and `self.new_NAME(size)`. */
const constant = (name: string, value: number): OnnxEmitters =>
  Object.fromEntries(
    [name, `${name}_like`, `new_${name}`].map((each) => [`aten.${each}.default`, filled(value)]),
  );

/** Operators that make a tensor of numbers. What PyTorch leaves without values is 0. */
export const creationEmitters: OnnxEmitters = {
  ...constant('zeros', 0),
  ...constant('ones', 1),
  ...constant('empty', 0),
  'aten.empty.memory_format': filled(0),
  'aten.empty_strided.default': filled(0),
  'aten.zero.default': filled(0),
  'aten.full.default': filled('fill_value'),
  'aten.full_like.default': filled('fill_value'),
  'aten.new_full.default': filled('fill_value'),
  'aten.scalar_tensor.default': filled('s'),
  'aten.fill.Scalar': filled('value'),
  'aten.fill.Tensor': filled('value'),
  'aten.arange.default': range,
  'aten.arange.start': range,
  'aten.arange.start_step': range,
  'aten.linspace.default': range,
};
