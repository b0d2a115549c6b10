import { callOperator, type Value } from '../dispatcher.ts';
import { softmax } from './activation.ts';
import { add, div, mul, sub, sum } from './arithmetic.ts';

const call = (target: string, args: Parameters<typeof callOperator>[0]['args'], source: string): Value =>
  callOperator({ target, args, source: `torch.nn.functional.${source}` });

const mean = (x: Value): Value => call('aten.mean.default', [x], 'mean');

/** The logarithm of {@link softmax}. */
export function logSoftmax(x: Value, dim: number): Value {
  return call('aten.log_softmax.int', [x, dim], 'log_softmax');
}

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions {
  /** How much of every label is spread evenly over all classes, from 0 to 1; default 0. */
  readonly labelSmoothing?: number;
}

/**
 * The mean over a batch of `-log(softmax(logits)[target])` (counterpart: `torch.nn.functional.cross_entropy`).
 * @param logits [batch, classes].
 * @param target [batch] of int64, each a class; one that does not exist is an Error when the graph runs.
 */
export function crossEntropy(logits: Value, target: Value, options: CrossEntropyOptions = {}): Value {
  const { labelSmoothing = 0 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new Error(`crossEntropy: labelSmoothing must be from 0 to 1, got ${labelSmoothing}`);
  if (logits.shape.length !== 2 || target.shape.length !== 1 || target.dtype !== 'int64')
    throw new Error(
      `crossEntropy: expected logits [batch, classes] and int64 targets [batch], got ${logits.dtype} [${logits.shape.join(', ')}] ` +
        `and ${target.dtype} [${target.shape.join(', ')}]`,
    );
  const logs = logSoftmax(logits, 1);
  const column = call('aten.unsqueeze.default', [target, 1], 'cross_entropy');
  const picked = call('aten.gather.default', [logs, 1, column], 'cross_entropy');
  const loss = call('aten.neg.default', [mean(picked)], 'cross_entropy');
  if (labelSmoothing === 0) return loss;
  const even = call('aten.neg.default', [mean(logs)], 'cross_entropy');
  return add(mul(loss, 1 - labelSmoothing), mul(even, labelSmoothing));
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
