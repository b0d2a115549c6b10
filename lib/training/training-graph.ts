import { writeStateAsValues } from '../autograd/functional-state.ts';
import {
  attributeNode,
  type GraphModule,
  type Node,
  type NodeBuilder,
  type StatefulModule,
} from '../graph/index.ts';
import { Tensor } from '../tensor/index.ts';
import { GraphEditor } from '../transforms/editor.ts';
import { appendLoss } from './append-loss.ts';
import { autocastTraining, checkTrainingAutocast } from './autocast.ts';
import { clipGradients } from './clip-gradients.ts';
import { fixSizes, placeholder, withInputsFirst } from './inputs.ts';
import type { Optimizer } from './optimizer.ts';
import { gradientsOf, type Trained, trainedTensors } from './trained-tensors.ts';
import type { TrainingProblem } from './training-problem.ts';

/** A tensor that every step replaces. */
export interface StateTensor {
  readonly path: string;
  /** What is the optimizer's, or the seed of dropouts, stands in no model. */
  readonly kind: 'parameter' | 'buffer' | 'optimizer' | 'module';
  readonly initial: Tensor;
  /** The module that keeps it, and its name there. */
  readonly owner?: { readonly module: StatefulModule; readonly name: string };
}

/** A number that may change from step to step. */
export interface StepNumber {
  readonly group: number;
  readonly name: string;
  readonly input: string;
}

/**
 * One step of training as a graph: forward, backward, update. Its inputs are the batch, the numbers and the state; its outputs the
 * loss, the model's outputs, and the new state in the same order.
 */
export interface TrainingGraph {
  readonly module: GraphModule;
  readonly state: readonly StateTensor[];
  /** Tensors of modules that a step reads and does not change: the switches of fake quantizers. */
  readonly switches: readonly StateTensor[];
  readonly numbers: readonly StepNumber[];
  /**
   * Results before the new state: the loss, the model's outputs, the sum of all updated parameters, which is finite if they are, and the
   * norm of gradients that have a limit.
   */
  readonly reported: readonly string[];
}

/**
 * Builds the graph of a training step.
 * @param model in training mode, or prepared by `prepareQatPt2e`.
 * @param shapes of the model's inputs by name, where the model was captured with sizes that a request chooses.
 * @param targets what the loss reads beside the model's outputs, by name.
 * @throws Error when the model has no parameters, lists parameters without a gradient, or operators without one.
 */
export function buildTrainingGraph(model: GraphModule, problem: TrainingProblem): TrainingGraph {
  const { loss, shapes, targets, optimizer, seed, autocast } = problem;
  const module = withInputsFirst(model);
  fixSizes(module, shapes ?? {});
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw new Error(`training: seed must be a whole number, got ${seed}`);
  const changed = writeStateAsValues(module, seed);
  if (checkTrainingAutocast(autocast)) autocastTraining(module);
  const outputs = resultsOf(module);
  const lossNode = appendLoss(module, loss, outputs, targets, problem.paths);
  const trained = trainedTensors(module, changed, problem);
  const gradients = gradientsOf(module, lossNode, trained);
  const builder = new GraphEditor(module).at({ before: module.graph.outputNode });
  const { clipped, norm } = clipGradients([...gradients.values()], problem, builder);
  const updates = new Updates(module, optimizer);
  [...gradients.keys()].forEach((each, i) => {
    updates.update(each, clipped[i]);
  });
  const isUpdated = new Set(updates.state.map(({ path }) => path));
  const all: StateNodes[] = [
    ...updates.state,
    ...changed
      .filter(({ path }) => !isUpdated.has(path))
      .map(({ path, value, owner, isSeed }) => ({
        path,
        kind: owner ? ('module' as const) : isSeed ? ('optimizer' as const) : ('buffer' as const),
        initial: module.attribute(path),
        node: attributeNode(module.graph, path)!,
        value,
        ...(owner ? { owner } : {}),
      })),
  ];
  const stays = ({ node, value }: StateNodes) => node === value;
  return finish(module, {
    state: all.filter((each) => !stays(each)),
    switches: all.filter(stays),
    numbers: updates.numbers,
    results: new Map([
      ['loss', lossNode],
      ...outputs.map((node, i) => [`output_${i}`, node] as const),
      ['update', updates.sum()],
      ...(norm ? [['grad_norm', norm] as const] : []),
    ]),
  });
}

/** A tensor of the state as it comes in, and what becomes of it. */
interface StateNodes extends StateTensor {
  readonly node: Node;
  readonly value: Node;
}

/** The nodes that the graph returns. */
function resultsOf({ graph }: GraphModule): readonly Node[] {
  const [returned] = graph.outputNode.args;
  return (Array.isArray(returned) ? returned : [returned]) as readonly Node[];
}

/** Adds the optimizer's update of one parameter after the other. */
class Updates {
  readonly state: StateNodes[] = [];
  readonly numbers: StepNumber[] = [];
  readonly #module: GraphModule;
  readonly #optimizer: Optimizer;
  readonly #builder: NodeBuilder;
  readonly #nodes = new Map<number, ReadonlyMap<string, Node>>();

  constructor(module: GraphModule, optimizer: Optimizer) {
    this.#module = module;
    this.#optimizer = optimizer;
    this.#builder = new GraphEditor(module).at({ before: module.graph.outputNode });
  }

  update({ path, node, value: parameter, owner, switches }: Trained, gradient: Node): void {
    const { stateNames } = this.#optimizer;
    const group = this.#optimizer.groupOf(path);
    const initial = this.#module.attribute(path);
    const own = new Map(
      stateNames.map((name) => [name, this.#zeros(`${path}.${name}`, initial.shape)] as const),
    );
    const numbers = this.#numbersOf(group);
    const updated = this.#optimizer.emit({ parameter, gradient, state: own, numbers }, group, this.#builder);
    const kind = owner ? 'module' : 'parameter';
    const areOn = switches.map((each) => this.#builder.call('aten.ne.Scalar', each, 0));
    const settled = (now: Node, before: Node) =>
      areOn.reduce((value, isOn) => this.#builder.call('aten.where.self', isOn, value, before), now);
    const value = settled(updated.parameter, parameter);
    this.state.push({ path, kind, initial, node, value, ...(owner ? { owner } : {}) });
    for (const [name, kept] of own)
      this.state.push({
        path: kept.target,
        kind: 'optimizer',
        initial: this.#module.attribute(kept.target),
        node: kept,
        value: settled(updated.state.get(name)!, kept),
      });
  }

  /** The sum of all elements of what was updated. */
  sum(): Node {
    return this.state
      .filter(({ kind }) => kind !== 'optimizer')
      .map(({ value }) => this.#builder.call('aten.sum.default', value))
      .reduce((a, b) => this.#builder.call('aten.add.Tensor', a, b));
  }

  /** One input a number and group. */
  #numbersOf(group: number): ReadonlyMap<string, Node> {
    let nodes = this.#nodes.get(group);
    if (!nodes) {
      const names = [...this.#optimizer.numbersOf(group, 1).keys()];
      nodes = new Map(
        names.map((name) => {
          const input = `group_${group}_${name}`;
          this.numbers.push({ group, name, input });
          const { graph } = this.#module;
          const after = graph.placeholders.at(-1)!;
          const create = () => placeholder(graph, input, { dtype: 'float32', shape: [] });
          return [name, graph.insertingAfter(after, create)];
        }),
      );
      this.#nodes.set(group, nodes);
    }
    return nodes;
  }

  #zeros(path: string, shape: readonly number[]): Node {
    const { graph } = this.#module;
    const place = { before: graph.nodes[0] };
    return new GraphEditor(this.#module).constant(path, Tensor.zeros('float32', shape), place);
  }
}

/** Makes the state inputs, and returns what becomes of it. */
function finish(
  module: GraphModule,
  made: {
    readonly state: readonly StateNodes[];
    readonly switches: readonly StateNodes[];
    readonly numbers: readonly StepNumber[];
    readonly results: ReadonlyMap<string, Node>;
  },
): TrainingGraph {
  const { graph } = module;
  const { state, switches, numbers } = made;
  const inputOf = new Map<string, Node>();
  let after = graph.placeholders.at(-1)!;
  for (const { path, initial } of [...state, ...switches]) {
    const input = graph.insertingAfter(after, () => placeholder(graph, `state.${path}`, initial));
    inputOf.set(path, input);
    after = input;
  }
  for (const node of graph.nodes) {
    const input = node.op === 'get_attr' ? inputOf.get(node.target) : undefined;
    if (input) node.replaceAllUsesWith(input);
  }
  const reported = [...made.results.keys()];
  const asInput = (node: Node) => (node.op === 'get_attr' ? (inputOf.get(node.target) ?? node) : node);
  const results = [...made.results.values(), ...state.map(({ value }) => value)];
  graph.outputNode.setArguments([results.map(asInput)]);
  graph.outputNode.meta.outputNames = [...reported, ...state.map(({ path }) => `state.${path}`)];
  graph.eliminateDeadCode();
  module.deleteUnused();
  graph.lint();
  const described = (list: readonly StateNodes[]) => list.map(({ node: _, value: __, ...rest }) => rest);
  return { module, state: described(state), switches: described(switches), numbers, reported };
}
