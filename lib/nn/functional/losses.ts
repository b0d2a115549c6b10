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

/** What becomes of the losses of a batch's examples: their mean, their sum, or each for itself. */
const reductions = ['mean', 'sum', 'none'] as const;
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
 * @param target [batch] of int64, each a class; one that does not exist is an Error when the graph runs.
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
  const form = ({ dtype, shape }: Value) => `${dtype} [${shape.join(', ')}]`;
  if (logits.shape.length !== 2 || target.shape.length !== 1 || target.dtype !== 'int64')
    throw new Error(
      `crossEntropy: expected logits [batch, classes] and int64 targets [batch], got ${form(logits)} and ${form(target)}`,
    );
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new Error(`crossEntropy: labelSmoothing must be from 0 to 1, got ${labelSmoothing}`);
  if (
    weight &&
    (weight.dtype !== 'float32' || weight.shape.length !== 1 || weight.shape[0] !== logits.shape[1])
  )
    throw new Error(`crossEntropy: weight must be float32 [${logits.shape[1]}], got ${form(weight)}`);
  if (ignoreIndex !== undefined && !Number.isSafeInteger(ignoreIndex))
    throw new Error(`crossEntropy: ignoreIndex must be a whole number, got ${ignoreIndex}`);
  if (!reductions.includes(reduction))
    throw new Error(`crossEntropy: reduction must be ${reductions.join(', ')}, got ${String(reduction)}`);
}

/** The mean of squared differences (counterpart: `torch.nn.functional.mse_loss`). */
export function mseLoss(input: Value, target: Value): Value {
  const difference = sub(input, target);
  return mean(mul(difference, difference));
}

/**
 * How far the softmax of `logits` is from that of another model's, both softened by a temperature: the Kullback-Leibler divergence
 * times its square, averaged over the batch (Hinton et al., 2015; counterpart: `kl_div(…, reduction='batchmean') * T ** 2`).
 * @param logits [batch, classes].
 * @param teacher [batch, classes]: the other model's logits.
 */
export function distillationLoss(logits: Value, teacher: Value, temperature = 1): Value {
  if (!(temperature > 0))
    throw new Error(`distillationLoss: the temperature must be positive, got ${temperature}`);
  const [student, wanted] = [logits, teacher].map((each) => div(each, temperature));
  const difference = sub(logSoftmax(wanted, 1), logSoftmax(student, 1));
  const perSample = sum(mul(softmax(wanted, 1), difference), [1]);
  return mul(mean(perSample), temperature ** 2);
}
