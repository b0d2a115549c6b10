import type { NodeBuilder } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { checkAmount } from './checks.ts';
import { Optimizer, type ParameterGroup, plus, type Update, type UpdateInputs } from './optimizer.ts';

/** Options of {@link SGD}. */
export interface SGDOptions {
  readonly lr: number;
  /** How much of the update before goes on; default 0. */
  readonly momentum?: number;
  /** Looks ahead by the momentum; default false. */
  readonly nesterov?: boolean;
  /** Added to each gradient, times the parameter; default 0. */
  readonly weightDecay?: number;
  /** Parameters with a learning rate or a weight decay of their own. */
  readonly groups?: readonly ParameterGroup[];
}

const sgdOptions: OptionNames<SGDOptions> = {
  lr: true,
  momentum: true,
  nesterov: 'boolean',
  weightDecay: true,
  groups: true,
};

/**
 * Stochastic gradient descent (counterpart: `torch.optim.SGD`).
 *
 *     new SGD({ lr: 0.01, momentum: 0.9, weightDecay: 1e-4 })
 * @throws Error for an unknown option, a number that is negative or not finite in float32, or Nesterov's momentum without momentum.
 */
export class SGD extends Optimizer {
  readonly stateNames: readonly string[];
  readonly #options: Required<Omit<SGDOptions, 'groups' | 'lr'>>;

  constructor(options: SGDOptions) {
    checkOptions(options, sgdOptions, 'SGD');
    const { lr, momentum = 0, nesterov = false, weightDecay = 0, groups = [] } = options;
    super(lr, groups);
    for (const [name, value] of Object.entries({ momentum, weightDecay })) checkAmount(value, name, 'SGD');
    if (nesterov && momentum === 0) throw new Error("SGD: Nesterov's momentum needs a momentum");
    this.#options = { momentum, nesterov, weightDecay };
    this.stateNames = momentum === 0 ? [] : ['momentum_buffer'];
  }

  override numbersOf(group: number): ReadonlyMap<string, number> {
    return new Map([['step', -this.rateOf(group)]]);
  }

  override emit(
    { parameter, gradient, state, numbers }: UpdateInputs,
    group: number,
    g: NodeBuilder,
  ): Update {
    const { momentum, nesterov } = this.#options;
    const { weightDecay = this.#options.weightDecay } = this.groups[group];
    const decayed = weightDecay === 0 ? gradient : plus(g, gradient, parameter, weightDecay);
    const step = numbers.get('step')!;
    if (momentum === 0) return { parameter: plus(g, parameter, decayed, step), state };
    const buffer = plus(g, decayed, state.get('momentum_buffer')!, momentum);
    const direction = nesterov ? plus(g, decayed, buffer, momentum) : buffer;
    return { parameter: plus(g, parameter, direction, step), state: new Map([['momentum_buffer', buffer]]) };
  }
}
