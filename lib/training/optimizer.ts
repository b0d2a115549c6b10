import { inspect } from 'node:util';
import type { Node, NodeBuilder } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { checkAmount } from './checks.ts';

/** Parameters that are updated alike. */
export interface ParameterGroup {
  /** Paths of parameters, or a test for them; absent: all that no group before it has. */
  readonly parameters?: readonly string[] | ((path: string) => boolean);
  /** Learning rate of this group; default: the optimizer's. */
  readonly lr?: number;
  /** Its weight decay; default: the optimizer's. */
  readonly weightDecay?: number;
}

const groupOptions: OptionNames<ParameterGroup> = { parameters: true, lr: true, weightDecay: true };

/** A parameter's update, as nodes. */
export interface Update {
  readonly parameter: Node;
  /** What becomes of the optimizer's own tensors. */
  readonly state: ReadonlyMap<string, Node>;
}

/** What an update is computed from. */
export interface UpdateInputs {
  readonly parameter: Node;
  readonly gradient: Node;
  /** The optimizer's tensors of this parameter, each of its shape. */
  readonly state: ReadonlyMap<string, Node>;
  /** Numbers that may change from step to step, as tensors of one element. */
  readonly numbers: ReadonlyMap<string, Node>;
}

/**
 * How gradients change parameters (counterpart: `torch.optim.Optimizer`). The update is part of the training graph; what a schedule
 * changes (learning rates) is an input of it.
 */
export abstract class Optimizer {
  /** Learning rate; schedules change it between steps. */
  lr: number;
  readonly groups: readonly ParameterGroup[];
  /** The rate before any schedule (`initial_lr`). */
  readonly initialLr: number;
  /** Names of the tensors that are kept for each parameter, zeros at first. */
  abstract readonly stateNames: readonly string[];

  protected constructor(lr: number, groups: readonly ParameterGroup[]) {
    checkAmount(lr, 'lr', new.target.name);
    this.lr = lr;
    this.initialLr = lr;
    if (!Array.isArray(groups))
      throw new Error(`${new.target.name}: groups must be a list, got ${inspect(groups)}`);
    for (const group of groups) checkGroup(group, lr);
    this.groups = [...groups, {}];
  }

  /** The number of the group that a parameter belongs to: the first one that names it. */
  groupOf(path: string): number {
    return this.groups.findIndex(({ parameters }) => {
      if (parameters === undefined) return true;
      return typeof parameters === 'function' ? parameters(path) : parameters.includes(path);
    });
  }

  /** @throws Error for a path in a group that is no parameter's. */
  checkPaths(paths: readonly string[]): void {
    const named = this.groups.flatMap(({ parameters }) => (Array.isArray(parameters) ? parameters : []));
    for (const path of named as readonly string[])
      if (!paths.includes(path))
        throw new Error(`a group names the parameter '${path}'; the model's are ${paths.join(', ')}`);
  }

  /**
   * The learning rate of a group now: its own, scaled as a schedule has scaled the optimizer's.
   * @throws Error when that is no rate, for whoever has set it since the optimizer was made.
   */
  protected rateOf(group: number): number {
    const { lr } = this.groups[group];
    const rate = lr === undefined ? this.lr : lr * (this.lr / this.initialLr);
    checkAmount(rate, 'lr', this.constructor.name);
    return rate;
  }

  /** The values of the update's numbers in the step of that number, from 1. */
  abstract numbersOf(group: number, step: number): ReadonlyMap<string, number>;

  abstract emit(inputs: UpdateInputs, group: number, g: NodeBuilder): Update;
}

function checkGroup(group: ParameterGroup, optimizerLr: number): void {
  const where = 'a group of parameters';
  checkOptions(group, groupOptions, where);
  const { parameters, lr, weightDecay } = group;
  for (const [name, value] of Object.entries({ lr, weightDecay }))
    if (value !== undefined) checkAmount(value, name, where);
  const isPaths = Array.isArray(parameters) && parameters.every((path) => typeof path === 'string');
  if (parameters !== undefined && typeof parameters !== 'function' && !isPaths)
    throw new Error(
      `${where}: parameters must be a list of paths, or a test for them, got ${inspect(parameters)}`,
    );
  if (lr !== undefined && optimizerLr === 0)
    throw new Error(
      "a group has a learning rate of its own, which schedules scale with the optimizer's: that must not be 0",
    );
}

/** `a + b * factor`, the factor a number or a tensor of one element. */
export const plus = (g: NodeBuilder, a: Node, b: Node, factor: Node | number): Node =>
  g.call('aten.add.Tensor', a, factor === 1 ? b : times(g, b, factor));

export const times = (g: NodeBuilder, a: Node, factor: Node | number): Node =>
  g.call('aten.mul.Tensor', a, factor);
