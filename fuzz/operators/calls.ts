import { readFileSync } from 'node:fs';
import { type DType, operators } from '../../lib/index.ts';
import {
  isList,
  isTensor,
  type OperatorArgument,
  type OperatorCall,
  type TensorArgument,
} from './problem.ts';

const of = (tensor: DType, ...shape: readonly number[]): TensorArgument => ({ tensor, shape });
const f32 = (...shape: readonly number[]) => of('float32', ...shape);
const u8 = (...shape: readonly number[]) => of('uint8', ...shape);
const s8 = (...shape: readonly number[]) => of('int8', ...shape);
const s64 = (...shape: readonly number[]) => of('int64', ...shape);

/** Weight with its scales and zero points, for 8, or so many, channels. */
const weight = (...shape: readonly number[]) => [s8(...shape), f32(shape[0]), s64(shape[0])];
const geometry = [
  [1, 1],
  [1, 1],
  [1, 1],
] as const;
const input = (tensor: TensorArgument) => [tensor, 0.1, 3] as const;
const output = [0.2, 5, 'uint8'] as const;
const image = u8(2, 8, 9, 9);

/** Calls of Octavo's and oneDNN's own operators, which PyTorch's results in the fixtures have none of. */
const ownCalls: readonly (readonly [target: string, ...args: readonly OperatorArgument[]])[] = [
  [
    'mkldnn._convolution_pointwise.default',
    f32(2, 8, 9, 9),
    f32(16, 8, 3, 3),
    f32(16),
    ...geometry,
    1,
    'relu',
    [],
    '',
  ],
  [
    'mkldnn._convolution_pointwise.default',
    f32(2, 8, 9, 9),
    f32(8, 1, 3, 3),
    f32(8),
    ...geometry,
    8,
    'none',
    [],
    '',
  ],
  [
    'mkldnn._convolution_pointwise.binary',
    ...[
      f32(2, 8, 9, 9),
      f32(2, 16, 9, 9),
      f32(16, 8, 3, 3),
      f32(16),
      ...geometry,
      1,
      'add',
      null,
      'relu',
      [],
      '',
    ],
  ],
  ['mkldnn._linear_pointwise.default', f32(3, 5, 16), f32(24, 16), f32(24), 'gelu', [], 'none'],
  ['mkldnn._linear_pointwise.binary', f32(3, 16), f32(3, 24), f32(24, 16), f32(24), 'add'],
  [
    'octavo.batch_norm.default',
    ...[...input(u8(2, 8, 5, 5)), f32(8), f32(8), f32(8), f32(8), 1e-5, ...output, 'relu', [], ''],
  ],
  [
    'octavo.binary.default',
    ...input(u8(2, 8, 5, 5)),
    ...input(u8(2, 8, 1, 1)),
    'add',
    1,
    ...output,
    'none',
    [],
    '',
  ],
  ['octavo.embedding_byte.default', u8(10, 16), s64(5)],
  ['octavo.embedding_4bit.default', u8(10, 12), s64(5), 7],
  ['octavo.embedding_bag_byte.default', u8(10, 16), s64(6), s64(2), 0, null, false],
  ['octavo.embedding_bag_4bit.default', u8(10, 12), s64(6), s64(2), 0, null, false, -1, 8],
  ['octavo.integer_convolution.default', u8(2, 3, 8, 8), 3, s8(4, 3, 3, 3), of('int32', 4), ...geometry, 1],
  ['octavo.compare.default', ...input(image), f32(2, 8, 9, 9), 1, 0],
  ['octavo.integer_linear.default', u8(3, 16), 3, s8(8, 16), of('int32', 8)],
  ['octavo.integer_linear.dynamic', u8(3, 16), s64(1), s8(8, 16)],
  ['octavo.layer_norm.default', ...input(u8(3, 4, 16)), [16], f32(16), f32(16), 1e-5, ...output],
  ['octavo.lookup.default', u8(3, 40), s8(256)],
  ['octavo.matmul.default', ...input(u8(2, 5, 8)), ...input(u8(2, 8, 6)), ...output],
  ['octavo.quantized_average.default', f32(2, 8, 5, 5), 0.1, 3, 0, 255, 'uint8'],
  ['octavo.softmax.default', ...input(u8(3, 16)), -1, 1 / 256, 0, 'uint8'],
  ['octavo.weight_only_linear.default', f32(3, 16), s8(8, 16), f32(8), f32(8), 'relu', [], ''],
  ['aten._weight_int8pack_mm.default', f32(3, 16), s8(8, 16), f32(8)],
  ['aten._int_mm.default', s8(3, 16), s8(16, 8)],
  ['aten.embedding.default', f32(10, 8), s64(2, 3)],
  ['aten.embedding_bag.padding_idx', f32(10, 8), s64(6), s64(2), false, 0, false, f32(6), false, -1],
  ['aten.scaled_dot_product_attention.default', f32(2, 2, 5, 8), f32(2, 2, 6, 8), f32(2, 2, 6, 8), f32(5, 6)],
  ['onednn.linear_dynamic_fp16.default', f32(3, 16), of('float16', 8, 16), f32(8)],
  [
    'onednn.qconv2d_pointwise.default',
    ...[...input(image), ...weight(16, 8, 3, 3), f32(16), ...geometry, 1, ...output, 'relu', [], ''],
  ],
  [
    'onednn.qconv2d_pointwise.default',
    ...[...input(image), ...weight(8, 1, 3, 3), f32(8), ...geometry, 8, ...output, 'none', [], ''],
  ],
  [
    'onednn.qconv2d_pointwise.binary',
    ...[...input(image), ...weight(16, 8, 3, 3), u8(2, 16, 9, 9), f32(16), ...geometry, 1],
    ...[...output, 0.3, 6, 'sum', 1, 'relu', [], ''],
  ],
  [
    'onednn.qlinear_pointwise.default',
    ...[...input(u8(3, 5, 16)), ...weight(8, 16), f32(8), ...output, 'none', [], ''],
  ],
  [
    'onednn.qlinear_pointwise.binary',
    ...[...input(u8(3, 16)), ...weight(8, 16), u8(3, 8), f32(8), ...output, 0.1, 2, 'sum', 1, 'relu', [], ''],
  ],
  [
    'onednn.qlinear_pointwise.tensor',
    ...[u8(3, 16), of('float64', 1), s64(1), ...weight(8, 16), f32(8), 1, 0, 'float32', 'none', [], ''],
  ],
];

const families = [
  ...['activation', 'arithmetic', 'attention', 'embedding', 'fused_convolution', 'movement', 'normalization'],
  ...['pooling', 'product', 'quantized-decomposed', 'reduction'],
  // Of every dtype.
  ...['binary', 'made', 'reduced', 'scalar', 'selection', 'unary'],
];
/** So that a thousand problems take seconds. */
const mostElements = 60_000;

interface Recorded extends OperatorCall {
  readonly op: string;
  readonly expected: unknown;
}

/** PyTorch refused the call. */
const isRefusal = (expected: unknown) =>
  typeof expected === 'object' && expected !== null && 'error' in expected;
/** A number that JSON does not have: `{"number": "inf"}`. */
const isNoJson = (argument: unknown) =>
  typeof argument === 'object' && argument !== null && 'number' in argument;

/** The calls that PyTorch's results were recorded for (`test/fixtures/aten`). */
function recordedCalls(): OperatorCall[] {
  const recorded = families.flatMap((family): Recorded[] =>
    JSON.parse(readFileSync(new URL(`../../test/fixtures/aten/${family}.json`, import.meta.url), 'utf8')),
  );
  return recorded
    .filter(({ expected, args }) => !isRefusal(expected) && !args.some(isNoJson))
    .map(({ op, args, kwargs }) => ({
      target: op,
      args: args.map(withoutOffset),
      kwargs: Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [name, withoutOffset(value)])),
    }))
    .filter(({ args, kwargs }) => largest([...args, ...Object.values(kwargs)]) <= mostElements);
}

/** A recorded tensor's elements are at an offset of another file. */
function withoutOffset(argument: OperatorArgument): OperatorArgument {
  if (isList(argument)) return argument.map(withoutOffset);
  return isTensor(argument) ? of(argument.tensor, ...argument.shape) : argument;
}

function largest(args: readonly OperatorArgument[]): number {
  const sizes = args.map((argument) =>
    isList(argument) ? largest(argument) : isTensor(argument) ? argument.shape.reduce((a, b) => a * b, 1) : 0,
  );
  return Math.max(0, ...sizes);
}

/** Lists of calls that work, of which each is as likely as another: of every operator there is at least one. */
export function callsToChange(): readonly (readonly OperatorCall[])[] {
  const own = ownCalls.map(([target, ...args]) => ({ target, args, kwargs: {} }));
  const known = [...recordedCalls(), ...own];
  const targets = new Set(known.map(({ target }) => target));
  const others = operators.names
    .filter((target) => !targets.has(target))
    .map((target) => ({ target, args: [f32(2, 3, 4, 4)], kwargs: {} }));
  // Much more was recorded of some operators than of others.
  const byTarget = new Map<string, OperatorCall[]>();
  for (const call of [...known, ...others])
    byTarget.set(call.target, [...(byTarget.get(call.target) ?? []), call]);
  return [...byTarget.values()];
}
