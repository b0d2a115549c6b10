import type { NodeBuilder } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { checkAmount, checkPair } from './checks.ts';
import { Optimizer, type ParameterGroup, plus, times, type Update, type UpdateInputs } from './optimizer.ts';

/** Options of {@link AdamW}. */
export interface AdamWOptions {
  /** Default 1e-3. */
  readonly lr?: number;
  /** How much of the averages of gradients and of their squares goes on; default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the average square; default 1e-8. */
  readonly eps?: number;
  /** The share, times the learning rate, by which each parameter shrinks; default 0.01. */
  readonly weightDecay?: number;
  /** Parameters with a learning rate or a weight decay of their own. */
  readonly groups?: readonly ParameterGroup[];
}

const adamWOptions: OptionNames<AdamWOptions> = {
  lr: true,
  betas: true,
  eps: true,
  weightDecay: true,
  groups: true,
};

/**
 * Adam with decoupled weight decay (counterpart: `torch.optim.AdamW`).
 * @throws Error for an unknown option, a number that is negative or not finite in float32, or a beta outside of [0, 1).
 */
export class AdamW extends Optimizer {
  readonly stateNames = ['exp_avg', 'exp_avg_sq'];
  readonly #options: Required<Omit<AdamWOptions, 'groups' | 'lr'>>;

  constructor(options: AdamWOptions = {}) {
    checkOptions(options, adamWOptions, 'AdamW');
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01, groups = [] } = options;
    super(lr, groups);
    for (const [name, value] of Object.entries({ eps, weightDecay })) checkAmount(value, name, 'AdamW');
    checkPair(betas, 'betas', 'AdamW', 'in [0, 1)', (beta) => beta >= 0 && beta < 1);
    this.#options = { betas, eps, weightDecay };
  }

  override numbersOf(group: number, step: number): ReadonlyMap<string, number> {
    const [first, second] = this.#options.betas;
    const { weightDecay = this.#options.weightDecay } = this.groups[group];
    const now = this.rateOf(group);
    return new Map([
      ['step', -now / (1 - first ** step)],
      ['kept', 1 - now * weightDecay],
      ['correction', 1 / Math.sqrt(1 - second ** step)],
    ]);
  }

  override emit({ parameter, gradient, state, numbers }: UpdateInputs, _: number, g: NodeBuilder): Update {
    const { betas, eps } = this.#options;
    const [first, second] = betas;
    const average = plus(g, times(g, state.get('exp_avg')!, first), gradient, 1 - first);
    const square = times(g, gradient, gradient);
    const squares = plus(g, times(g, state.get('exp_avg_sq')!, second), square, 1 - second);
    const root = times(g, g.call('aten.sqrt.default', squares), numbers.get('correction')!);
    const direction = g.call('aten.div.Tensor', average, g.call('aten.add.Tensor', root, eps));
    const shrunk = times(g, parameter, numbers.get('kept')!);
    return {
      parameter: plus(g, shrunk, direction, numbers.get('step')!),
      state: new Map([
        ['exp_avg', average],
        ['exp_avg_sq', squares],
      ]),
    };
  }
}
