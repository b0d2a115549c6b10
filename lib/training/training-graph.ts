import { differentiate } from '../autograd/differentiate.ts';
import { writeStateAsValues } from '../autograd/functional-state.ts';
import type { GraphModule, Node, NodeBuilder, StatefulModule } from '../graph/index.ts';
import { Tensor } from '../tensor/index.ts';
import { GraphEditor } from '../transforms/editor.ts';
import { appendLoss, type BatchTensor, type Loss } from './append-loss.ts';
import { fixSizes, placeholder, withInputsFirst } from './inputs.ts';
import type { Optimizer } from './optimizer.ts';

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
  /** Results before the new state: the loss, then the model's outputs. */
  readonly reported: readonly string[];
}

/** What is trained, for batches of which sizes. */
export interface TrainingProblem {
  readonly loss: Loss;
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  readonly targets: Readonly<Record<string, BatchTensor>>;
  readonly optimizer: Optimizer;
  /** Of dropouts' masks. */
  readonly seed?: number;
}

/**
 * Builds the graph of a training step.
 * @param model in training mode, or prepared by `prepareQatPt2e`.
 * @param shapes of the model's inputs by name, where the model was captured with sizes that a request chooses.
 * @param targets what the loss reads beside the model's outputs, by name.
 * @throws Error when the model has no parameters, lists parameters without a gradient, or operators without one.
 */
export function buildTrainingGraph(
  model: GraphModule,
  { loss, shapes, targets, optimizer, seed }: TrainingProblem,
): TrainingGraph {
  const module = withInputsFirst(model);
  fixSizes(module, shapes ?? {});
  const parameters = [...(module.meta.parameters ?? [])];
  if (parameters.length === 0)
    throw new Error('training: the model has no parameters; capture it from nn modules, or load a .pt2 file');
  optimizer.checkPaths(parameters);
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw new Error(`training: seed must be a whole number, got ${seed}`);
  const changed = writeStateAsValues(module, seed);
  const outputs = resultsOf(module);
  const lossNode = appendLoss(module, loss, outputs, targets);

  const nodes = parameters.map((path) => attributeNode(module, path));
  const gradients = differentiate(
    module,
    lossNode,
    nodes.filter((node) => node !== undefined),
  );
  const used = parameters.filter((_, i) => nodes[i] !== undefined);
  const missing = used.filter((_, i) => !gradients[i]);
  if (missing.length > 0)
    throw new Error(`training: the loss does not depend on the parameters ${missing.join(', ')}`);

  const updates = new Updates(module, optimizer);
  used.forEach((path, i) => {
    updates.update(path, attributeNode(module, path)!, gradients[i]!);
  });
  const all: StateNodes[] = [
    ...updates.state,
    ...changed.map(({ path, value, owner, isSeed }) => ({
      path,
      kind: owner ? ('module' as const) : isSeed ? ('optimizer' as const) : ('buffer' as const),
      initial: module.attribute(path),
      node: attributeNode(module, path)!,
      value,
      ...(owner ? { owner } : {}),
    })),
  ];
  const stays = ({ node, value }: StateNodes) => node === value;
  return finish(module, {
    state: all.filter((each) => !stays(each)),
    switches: all.filter(stays),
    numbers: updates.numbers,
    loss: lossNode,
    outputs,
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

const attributeNode = ({ graph }: GraphModule, path: string): Node | undefined =>
  graph.nodes.find((node) => node.op === 'get_attr' && node.target === path);

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

  update(path: string, parameter: Node, gradient: Node): void {
    const { stateNames } = this.#optimizer;
    const group = this.#optimizer.groupOf(path);
    const initial = this.#module.attribute(path);
    const own = new Map(
      stateNames.map((name) => [name, this.#zeros(`${path}.${name}`, initial.shape)] as const),
    );
    const numbers = this.#numbersOf(group);
    const updated = this.#optimizer.emit({ parameter, gradient, state: own, numbers }, group, this.#builder);
    this.state.push({ path, kind: 'parameter', initial, node: parameter, value: updated.parameter });
    for (const [name, node] of own)
      this.state.push({
        path: node.target,
        kind: 'optimizer',
        initial: this.#module.attribute(node.target),
        node,
        value: updated.state.get(name)!,
      });
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
          const create = () => placeholder(graph, input, { dtype: 'float32', shape: [1] });
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
    readonly loss: Node;
    readonly outputs: readonly Node[];
  },
): TrainingGraph {
  const { graph } = module;
  const { state, switches, numbers, loss, outputs } = made;
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
  const reported = ['loss', ...outputs.map((_, i) => `output_${i}`)];
  const asInput = (node: Node) => (node.op === 'get_attr' ? (inputOf.get(node.target) ?? node) : node);
  const results = [loss, ...outputs, ...state.map(({ value }) => value)];
  graph.outputNode.setArguments([results.map(asInput)]);
  graph.outputNode.meta.outputNames = [...reported, ...state.map(({ path }) => `state.${path}`)];
  graph.eliminateDeadCode();
  module.deleteUnused();
  graph.lint();
  const described = (list: readonly StateNodes[]) => list.map(({ node: _, value: __, ...rest }) => rest);
  return { module, state: described(state), switches: described(switches), numbers, reported };
}
