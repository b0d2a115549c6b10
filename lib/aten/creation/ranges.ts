import {
  type Arguments,
  addDims,
  type Dim,
  floorDivDims,
  SymInt,
  subDims,
  type TensorMeta,
} from '../../graph/index.ts';
import { type DType, floatToBfloat16, Tensor } from '../../tensor/index.ts';
import type { HostDefinition, OperatorDefinition } from '../registry.ts';
import { DEFAULT_FLOAT, resultType } from '../result-type.ts';
import { tensorOptions } from './filled.ts';

/** A number of a call, which may be a symbolic size. */
function numberOf<T>(args: Arguments<T>, name: string): Dim {
  return args.raw(name) instanceof SymInt ? args.dim(name) : args.number(name);
}

interface Range {
  readonly start: Dim;
  readonly end: Dim;
  readonly step: Dim;
}

function rangeOf<T>(args: Arguments<T>): Range {
  const has = (name: string) => args.schema.arguments.some((argument) => argument.name === name);
  return {
    start: has('start') ? numberOf(args, 'start') : 0,
    end: numberOf(args, 'end'),
    step: has('step') ? numberOf(args, 'step') : 1,
  };
}

/** @throws Error for a step of 0, or one away from the end. */
function lengthOf({ start, end, step }: Range, operator: string): Dim {
  if (typeof start === 'number' && typeof end === 'number' && typeof step === 'number') {
    if (step === 0 || Math.sign(end - start) === -Math.sign(step))
      throw new Error(`${operator}: steps of ${step} do not lead from ${start} to ${end}`);
    return Math.ceil((end - start) / step);
  }
  if (step === 1) return subDims(end, start);
  return floorDivDims(addDims(subDims(end, start), subDims(step, 1)), step);
}

/** The dtype that a call names, or another one. */
function dtypeOr<T>(args: Arguments<T>, otherwise: DType): DType {
  return args.isNone('dtype') ? otherwise : args.dtype('dtype');
}

const rangeType = <T>(args: Arguments<T>): DType => {
  const numbers = Object.values(rangeOf(args)).map((value) => (value instanceof SymInt ? 1 : value));
  return dtypeOr(args, resultType(numbers, args.schema.name));
};

/** A tensor of numbers that were computed in float64. @throws Error for float16. */
function tensorOf(dtype: DType, values: Float64Array, operator: string): Tensor {
  if (dtype === 'float16')
    throw new Error(`${operator}: float16 is not supported; make a float32 tensor and cast it`);
  if (dtype === 'bfloat16') return new Tensor(dtype, floatToBfloat16(values), [values.length]);
  const isWhole = dtype !== 'float32' && dtype !== 'float64';
  return Tensor.from(dtype, isWhole ? values.map(Math.trunc) : values);
}

/** A loop is ten times as fast as `Float64Array.from` with a function. */
function valuesAt(length: number, value: (index: number) => number): Float64Array {
  const values = new Float64Array(length);
  for (let i = 0; i < length; i++) values[i] = value(i);
  return values;
}

function range(overload: string, parameters: string): HostDefinition {
  return {
    schema: `aten::arange${overload}(${parameters}, *, ${tensorOptions}) -> Tensor`,
    infer: (args): TensorMeta => ({
      dtype: rangeType(args),
      shape: [lengthOf(rangeOf(args), args.schema.name)],
    }),
    host: (args) => {
      const [given, { name }] = [rangeOf(args), args.schema];
      const [start, step] = [given.start as number, given.step as number];
      const length = lengthOf(given, name) as number;
      return tensorOf(
        rangeType(args),
        valuesAt(length, (i) => start + i * step),
        name,
      );
    },
  };
}

/** From both ends towards the middle, as PyTorch computes it, so that both ends are exact. */
function linspaceValues(start: number, end: number, steps: number): Float64Array {
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  const isFirstHalf = (i: number) => i < Math.floor(steps / 2);
  return valuesAt(steps, (i) =>
    isFirstHalf(i) || steps === 1 ? start + step * i : end - step * (steps - 1 - i),
  );
}

/** @throws Error for fewer than none. */
function stepsOf<T>(args: Arguments<T>): number {
  const steps = args.number('steps');
  if (steps < 0) throw new Error(`${args.schema.name}: steps must be at least 0, got ${steps}`);
  return steps;
}

const linspace: HostDefinition = {
  schema: `aten::linspace(Scalar start, Scalar end, int steps, *, ${tensorOptions}) -> Tensor`,
  infer: (args): TensorMeta => ({ dtype: dtypeOr(args, DEFAULT_FLOAT), shape: [stepsOf(args)] }),
  host: (args) => {
    const values = linspaceValues(args.number('start'), args.number('end'), stepsOf(args));
    return tensorOf(dtypeOr(args, DEFAULT_FLOAT), values, args.schema.name);
  },
};

/** Operators that make a row of evenly spaced numbers. A plan holds the row as a constant. */
export const ranges: readonly OperatorDefinition[] = [
  range('', 'Scalar end'),
  range('.start', 'Scalar start, Scalar end'),
  range('.start_step', 'Scalar start, Scalar end, Scalar step=1'),
  linspace,
];
