import { quantizeOperators } from '../aten/index.ts';
import { differentiate } from '../autograd/differentiate.ts';
import type { StateUpdate } from '../autograd/functional-state.ts';
import { attributeNode, type GraphModule, type Node } from '../graph/index.ts';
import type { TrainingProblem } from './training-problem.ts';

/** A tensor that the optimizer trains. */
export interface Trained {
  readonly path: string;
  /** As it comes in. */
  readonly node: Node;
  /** Where its gradient is taken. */
  readonly read: Node;
  /** What the update starts from. */
  readonly value: Node;
  readonly owner?: StateUpdate['owner'];
  /** The switches of the module, which must all be on for it to be trained. */
  readonly switches: readonly Node[];
}

/**
 * The model's parameters and those of its modules (learned scales), without the frozen ones.
 * @throws Error when there are none, or a path that was named is none's.
 */
export function trainedTensors(
  module: GraphModule,
  changed: readonly StateUpdate[],
  { optimizer, frozen = [] }: TrainingProblem,
): readonly Trained[] {
  const own = [...(module.meta.parameters ?? [])];
  const ofModules = changed.filter(({ owner }) => owner?.module.parameters?.includes(owner.name));
  const paths = [...own, ...ofModules.map(({ path }) => path)];
  if (paths.length === 0)
    throw new Error(
      'training: the model has no parameters; capture it from nn modules, or load a .pt2 file whose parameters have requires_grad',
    );
  optimizer.checkPaths(paths);
  const unknown = typeof frozen === 'function' ? [] : frozen.filter((path) => !paths.includes(path));
  if (unknown.length > 0)
    throw new Error(`training: frozen names ${unknown.join(', ')}; the parameters are ${paths.join(', ')}`);
  const isFrozen = typeof frozen === 'function' ? frozen : (path: string) => frozen.includes(path);
  if (paths.every(isFrozen)) throw new Error('training: all parameters are frozen');
  // What nothing reads has no gradient, as in PyTorch.
  const used = own
    .map((path) => ({ path, node: attributeNode(module.graph, path) }))
    .flatMap(({ path, node }) =>
      node && node.users.length > 0 ? [{ path, node, read: node, value: node, switches: [] }] : [],
    );
  const trained = [
    ...used,
    ...ofModules.map(({ path, first, value, owner }) => {
      const isSwitch = ({ owner: other }: StateUpdate) =>
        other?.module === owner!.module && owner!.module.parameterSwitches?.includes(other.name);
      const switches = changed.filter(isSwitch).map((each) => each.value);
      return { path, node: attributeNode(module.graph, path)!, read: first, value, owner, switches };
    }),
  ].filter(({ path }) => !isFrozen(path));
  const narrow = trained.find(({ path }) => module.attribute(path).dtype !== 'float32');
  if (narrow)
    throw new Error(
      `training: the parameter ${narrow.path} is ${module.attribute(narrow.path).dtype}; parameters are kept in float32: call ` +
        "model.float() before export, and let the trainer's autocast narrow products",
    );
  return trained;
}

/**
 * Of everything that is trained. Of a module's parameters some may have none: the zero point of a symmetric quantization.
 * @throws Error that lists the model's parameters without one.
 */
export function gradientsOf(
  module: GraphModule,
  loss: Node,
  trained: readonly Trained[],
): ReadonlyMap<Trained, Node> {
  const gradients = differentiate(
    module,
    loss,
    trained.map(({ read }) => read),
  );
  const missing = trained.filter(({ owner }, i) => !owner && !gradients[i]);
  if (missing.length > 0)
    throw new Error(
      `training: the loss does not depend on the parameters ${missing.map(({ path }) => path).join(', ')}; ` +
        (isConverted(module)
          ? 'the model is quantized: train it before convertPt2e'
          : 'if that is right, name them as frozen'),
    );
  return new Map(trained.flatMap((each, i) => (gradients[i] ? [[each, gradients[i]] as const] : [])));
}

const isConverted = ({ graph }: GraphModule): boolean =>
  graph.nodes.some(({ target }) => quantizeOperators.includes(target));
