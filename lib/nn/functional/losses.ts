import { inspect } from 'node:util';
import { type Dim, dimsEqual } from '../../graph/index.ts';
import { checkOptions, type OptionNames } from '../../options.ts';
import { callOperator, type Value } from '../dispatcher.ts';
import { softmax } from './activation.ts';
import { div, mul, sub, sum } from './arithmetic.ts';

const call = (target: string, args: Parameters<typeof callOperator>[0]['args'], source: string): Value =>
  callOperator({ target, args, source: `torch.nn.functional.${source}` });

const mean = (x: Value): Value => call('aten.mean.default', [x], 'mean');

/** The logarithm of {@link softmax}. */
export function logSoftmax(x: Value, dim: number): Value {
  return call('aten.log_softmax.int', [x, dim], 'log_softmax');
}

const reductions = ['mean', 'sum', 'none'] as const;
/**
 * What becomes of the losses of a batch's examples: their mean, their sum, or each for itself.
 * @useDeclaredType
 */
export type Reduction = (typeof reductions)[number];

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions {
  /** How much of every label is spread evenly over all classes, from 0 to 1; default 0. */
  readonly labelSmoothing?: number;
  /** How much each class counts, float32 [classes]; a mean is one of weighted examples. Default: all the same. */
  readonly weight?: Value;
  /** A label whose examples do not count; default: none. PyTorch's default is -100. */
  readonly ignoreIndex?: number;
  /** Default `mean`. */
  readonly reduction?: Reduction;
}

const crossEntropyOptions: OptionNames<CrossEntropyOptions> = {
  labelSmoothing: true,
  weight: true,
  ignoreIndex: true,
  reduction: true,
};

/**
 * The mean over a batch of `-log(softmax(logits)[target])` (counterpart: `torch.nn.functional.cross_entropy`).
 *
 *     F.crossEntropy(logits, labels, { labelSmoothing: 0.1, ignoreIndex: -100 })
 * @param logits [batch, classes].
 * @param target [batch] of int64, each a class from 0 on; one that does not exist is an Error when the graph runs.
 * @returns one number, or [batch] of them without a reduction.
 * @throws Error for another shape or dtype, or an option that is unknown or out of its range.
 */
export function crossEntropy(logits: Value, target: Value, options: CrossEntropyOptions = {}): Value {
  checkCrossEntropy(logits, target, options);
  const { labelSmoothing = 0, weight, ignoreIndex, reduction = 'mean' } = options;
  const ignored = ignoreIndex === undefined ? undefined : aten('eq.Scalar', target, ignoreIndex);
  const without = (values: Value) => (ignored ? aten('masked_fill.Scalar', values, ignored, 0) : values);
  const classes = without(target);
  const logs = logSoftmax(logits, 1);
  const picked = aten(
    'squeeze.dim',
    aten('gather.default', logs, 1, aten('unsqueeze.default', classes, 1)),
    1,
  );
  const counted = weight && without(aten('index_select.default', weight, 0, classes));
  let losses = aten('neg.default', counted ? mul(picked, counted) : picked);
  if (labelSmoothing > 0) {
    const spread = sum(weight ? mul(logs, weight) : logs, [1]);
    const share = labelSmoothing / Number(logits.shape[1]);
    losses = sub(mul(losses, 1 - labelSmoothing), mul(spread, share));
  }
  losses = without(losses);
  if (reduction === 'none') return losses;
  if (reduction === 'sum') return sum(losses, [0]);
  const shares = counted ?? (ignored && aten('to.dtype', aten('logical_not.default', ignored), 'float32'));
  return shares ? div(sum(losses, [0]), sum(shares, [0])) : mean(losses);
}

const aten = (name: string, ...args: Parameters<typeof callOperator>[0]['args']): Value =>
  call(`aten.${name}`, args, 'cross_entropy');

function checkCrossEntropy(logits: Value, target: Value, options: CrossEntropyOptions): void {
  checkOptions(options, crossEntropyOptions, 'crossEntropy');
  const { labelSmoothing = 0, weight, ignoreIndex, reduction = 'mean' } = options;
  const fits = hasRank(logits, 2) && hasRank(target, 1) && target.dtype === 'int64';
  if (!fits || !isSameShape(logits.shape.slice(0, 1), target.shape))
    throw new Error(
      `crossEntropy: expected logits [batch, classes] and int64 targets [batch], got ${form(logits)} and ${form(target)}`,
    );
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new Error(`crossEntropy: labelSmoothing must be from 0 to 1, got ${labelSmoothing}`);
  const [, classes] = logits.shape;
  const weighs = hasRank(weight, 1) && weight.dtype === 'float32' && isSameShape(weight.shape, [classes]);
  if (weight !== undefined && !weighs)
    throw new Error(`crossEntropy: weight must be float32 [${classes}], got ${form(weight)}`);
  if (ignoreIndex !== undefined && !Number.isSafeInteger(ignoreIndex))
    throw new Error(`crossEntropy: ignoreIndex must be a whole number, got ${ignoreIndex}`);
  if (!reductions.includes(reduction))
    throw new Error(`crossEntropy: reduction must be ${reductions.join(', ')}, got ${String(reduction)}`);
}

const isValue = (x: unknown): x is Value =>
  typeof x === 'object' && x !== null && 'dtype' in x && 'shape' in x && Array.isArray(x.shape);

const hasRank = (x: unknown, rank: number): x is Value => isValue(x) && x.shape.length === rank;

const isSameShape = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.every((dim, axis) => dimsEqual(dim, b[axis]));

/** What was given, for messages. */
const form = (x: unknown): string => (isValue(x) ? `${x.dtype} [${x.shape.join(', ')}]` : inspect(x));

/**
 * The mean of squared differences (counterpart: `torch.nn.functional.mse_loss`).
 * @throws Error for two shapes: PyTorch broadcasts them and warns, for [batch, 1] and [batch] make batch² differences.
 */
export function mseLoss(input: Value, target: Value): Value {
  if (!isValue(input) || !isValue(target) || !isSameShape(input.shape, target.shape))
    throw new Error(`mseLoss: expected two tensors of one shape, got ${form(input)} and ${form(target)}`);
  const difference = sub(input, target);
  return mean(mul(difference, difference));
}

/**
 * How far the softmax of `logits` is from that of another model's, both softened by a temperature: the Kullback-Leibler divergence
 * times its square, averaged over the batch (Hinton et al., 2015; counterpart: `kl_div(…, reduction='batchmean') * T ** 2`).
 * @param logits [batch, classes].
 * @param teacher [batch, classes]: the other model's logits. One of -Infinity is a class that it rules out, which counts nothing.
 * @param temperature above 0; its square must be a positive number in float32.
 * @throws Error for other shapes, or a temperature out of its range.
 */
export function distillationLoss(logits: Value, teacher: Value, temperature = 1): Value {
  if (!hasRank(logits, 2) || !hasRank(teacher, 2) || !isSameShape(logits.shape, teacher.shape))
    throw new Error(
      `distillationLoss: expected logits and the teacher's, both [batch, classes], got ${form(logits)} and ${form(teacher)}`,
    );
  const factor = temperature ** 2;
  if (!(temperature > 0 && Math.fround(factor) > 0 && Number.isFinite(Math.fround(factor))))
    throw new Error(
      `distillationLoss: the temperature must be positive, its square positive and finite in float32; got ${inspect(temperature)}`,
    );
  const [student, wanted] = [logits, teacher].map((each) => div(each, temperature));
  const shares = softmax(wanted, 1);
  // PyTorch has 0 · log 0 = 0.
  const none = call('aten.eq.Scalar', [shares, 0], 'kl_div');
  const logs = call('aten.masked_fill.Scalar', [logSoftmax(wanted, 1), none, 0], 'kl_div');
  const perSample = sum(mul(shares, sub(logs, logSoftmax(student, 1))), [1]);
  return mul(mean(perSample), factor);
}
