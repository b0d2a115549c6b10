import type { DType } from '../../lib/index.ts';
import { nastyNumbers } from '../nasty-numbers.ts';
import { Random } from '../random.ts';
import { callsToChange } from './calls.ts';
import {
  type Filling,
  isList,
  isTensor,
  type OperatorArgument,
  type OperatorProblem,
  type TensorArgument,
} from './problem.ts';

const dtypes: readonly DType[] = [
  ...(['float32', 'float32', 'float32', 'uint8', 'int8', 'int64', 'int32'] as const),
  ...(['bfloat16', 'float64', 'float16', 'bool', 'int16', 'uint16'] as const),
];
const words = [
  ...[
    ...dtypes,
    'relu',
    'none',
    'sum',
    'add',
    'gelu',
    'tanh',
    'hardtanh',
    'leaky_relu',
    'hardswish',
    'swish',
  ],
  ...['sigmoid', 'hardsigmoid', 'clamp', 'same', 'valid', 'sub', 'mul', 'div', 'max', 'min', 'x', ''],
];
const fillings: readonly Filling[] = [
  ...(['nan', 'infinite', 'zero', 'huge', 'negative', 'integers', 'denormal'] as const),
];
const calls = callsToChange();

/** The problem of a seed: a call that works, with up to three changes. */
export function drawOperatorProblem(seed: number): OperatorProblem {
  const random = new Random(seed);
  const call = random.pick(random.pick(calls));
  const args = [...call.args];
  const kwargs = { ...call.kwargs };
  for (let n = random.pick([0, 1, 1, 1, 1, 2, 2, 3]); n > 0; n--) {
    const names = Object.keys(kwargs);
    if (names.length > 0 && random.chance(0.4)) {
      const name = random.pick(names);
      kwargs[name] = changed(random, kwargs[name]);
    } else if (args.length > 0) {
      const i = random.integer(0, args.length - 1);
      if (random.chance(0.03)) args.splice(i, 1);
      else args[i] = changed(random, args[i]);
    }
  }
  const placed = (argument: OperatorArgument) => place(random, argument);
  return {
    seed,
    variant: call.target.split('.')[0],
    target: call.target,
    args: args.map(placed),
    kwargs: Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [name, placed(value)])),
  };
}

function changed(random: Random, argument: OperatorArgument): OperatorArgument {
  if (isTensor(argument)) return changedTensor(random, argument);
  if (isList(argument)) return changedList(random, argument);
  switch (typeof argument) {
    case 'number':
      return changedNumber(random, argument);
    case 'boolean':
      return !argument;
    case 'string':
      return random.pick(words);
    default: {
      const given: readonly OperatorArgument[] = [0, 1, -1, true, [1]];
      return random.pick([...given, { tensor: 'float32' as const, shape: [random.pick([1, 8])] }]);
    }
  }
}

function changedTensor(random: Random, argument: TensorArgument): TensorArgument {
  const { shape } = argument;
  return random.weighted<() => TensorArgument>([
    [1, () => ({ ...argument, tensor: random.pick(dtypes) })],
    [2, () => ({ ...argument, shape: changedShape(random, shape) })],
    [1, () => ({ ...argument, constant: true })],
    [1, () => ({ ...argument, filling: random.pick(fillings) })],
    [1, () => ({ ...argument, order: shuffled(random, shape.length) })],
  ])();
}

function changedShape(random: Random, shape: readonly number[]): readonly number[] {
  const at = random.integer(0, shape.length - 1);
  const [before, extent, after] = [shape.slice(0, at), shape[at] ?? 1, shape.slice(at + 1)];
  return random.pick([
    [...before, random.pick([0, 1, 2, 3, 5, 8, 16, 17, 33]), ...after],
    [...before, extent + 1, ...after],
    [...before, ...after],
    shape.slice(0, -1),
    shape.toReversed(),
    [1, ...shape],
    [...shape, random.pick([1, 2])],
  ]);
}

function changedList(random: Random, list: readonly OperatorArgument[]): readonly OperatorArgument[] {
  if (list.length === 0) return random.pick([[1], [2, 2], [-1], [0]]);
  const at = random.integer(0, list.length - 1);
  return random.weighted([
    [1, () => list.toSpliced(at, 1)],
    [1, () => [...list, list[at]]],
    [3, () => list.with(at, changed(random, list[at]))],
  ])();
}

function changedNumber(random: Random, value: number): number {
  return random.pick([
    value + random.pick([-1, 1]),
    -value,
    2 * value,
    random.pick([Number.NaN, Infinity, -Infinity, -0]),
    random.pick(nastyNumbers),
  ]);
}

/** Makes some tensors constants, whatever was changed. */
function place(random: Random, argument: OperatorArgument): OperatorArgument {
  if (isList(argument)) return argument.map((item) => place(random, item));
  return isTensor(argument) && random.chance(0.35) ? { ...argument, constant: true } : argument;
}

function shuffled(random: Random, rank: number): readonly number[] {
  const order = Array.from({ length: rank }, (_, i) => i);
  for (let i = rank - 1; i > 0; i--) {
    const j = random.integer(0, i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
