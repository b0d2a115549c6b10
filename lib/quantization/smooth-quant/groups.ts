import { type GraphModule, isCall, Node, tensorMeta } from '../../graph/index.ts';
import { floatConstant } from '../../transforms/layer-constants.ts';

const LINEAR = 'aten.linear.default';
/** Norms that end with a weight for each channel, and the positions of their affine parameters. */
const NORMS: Readonly<Record<string, readonly number[]>> = {
  'aten.layer_norm.default': [2, 3],
  'aten.rms_norm.default': [2],
};

/** Linear layers that read one tensor: their inputs can only be scaled alike. */
export interface SmoothingGroup {
  /** The tensor that they read; its last axis is the layers' input channels. */
  readonly input: Node;
  readonly layers: readonly Node[];
  /** Whether `input` is a norm whose affine parameters can take the factors: nobody else reads it. */
  readonly isAbsorbing: boolean;
}

/** The linear layers with constant float32 weights, by what they read, in the order of the graph. */
export function smoothingGroups(module: GraphModule): SmoothingGroup[] {
  const byInput = new Map<Node, Node[]>();
  for (const node of module.graph.nodes) {
    if (!isCall(node, LINEAR) || !floatConstant(module, node.args[1])) continue;
    const input = node.args[0];
    // What the model's weights are multiplied with is no activation.
    if (!(input instanceof Node) || input.op === 'get_attr' || !tensorMeta(input)) continue;
    byInput.set(input, [...(byInput.get(input) ?? []), node]);
  }
  return [...byInput].map(([input, layers]) => ({
    input,
    layers,
    isAbsorbing: hasAffine(module, input) && input.users.every((user) => layers.includes(user)),
  }));
}

/** Positions of the arguments of a norm that scale and shift each channel. */
export const affinePositions = ({ target }: Node): readonly number[] => NORMS[target] ?? [];

function hasAffine(module: GraphModule, norm: Node): boolean {
  const positions = affinePositions(norm);
  if (positions.length === 0 || (norm.args[1] as readonly unknown[]).length !== 1) return false;
  return positions.every((at) => (norm.args[at] ?? null) === null || floatConstant(module, norm.args[at]));
}
