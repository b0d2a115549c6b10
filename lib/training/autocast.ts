import { whyNoFastBfloat16 } from '../cpu/fast-bfloat16.ts';
import { computeFeatures } from '../cpu/features.ts';
import { type Argument, type GraphModule, Node, tensorMeta } from '../graph/index.ts';
import { checkOptions } from '../options.ts';
import { autocastFactors } from '../transforms/autocast-factors.ts';
import { GraphEditor } from '../transforms/editor.ts';

/** The dtype that products are computed in while a model is trained, and whether on every CPU. */
export interface TrainingAutocast {
  readonly dtype: 'bfloat16';
  /** Also where bfloat16 is not faster than float32: to see what it does to a model's accuracy. */
  readonly force?: boolean;
}

const CAST = 'aten.to.dtype';

/**
 * Products read bfloat16 and return float32, before the graph is differentiated: gradients of products then do the same, and
 * parameters, statistics, activations, losses and updates stay float32 (counterpart: a training loop under
 * `torch.autocast('cpu', torch.bfloat16)`, whose products also return bfloat16). Recurrent layers stay float32.
 *
 *     x ──┐                      x → to(bfloat16) ──┐
 *     w ──┤ conv → y     ⇒       w → to(bfloat16) ──┤ conv → to(float32) → y
 *     b ──┘                      b ─────────────────┘
 */
export function autocastTraining(module: GraphModule): void {
  const editor = new GraphEditor(module);
  const narrowed = new Map<Node, Node>();
  const narrow = (value: Argument, before: Node): Argument => {
    if (!(value instanceof Node) || tensorMeta(value)?.dtype !== 'float32') return value;
    const known = narrowed.get(value);
    if (known) return known;
    const cast = editor.call(CAST, [value, 'bfloat16'], { before, like: [before] });
    narrowed.set(value, cast);
    return cast;
  };
  for (const node of module.graph.nodes) {
    const names = node.op === 'call_function' ? autocastFactors[node.target] : undefined;
    if (!names || tensorMeta(node)?.dtype !== 'float32') continue;
    const given = editor.named(node);
    const casts = names.map((name) => [name, narrow(given[name], node)]);
    editor.setArguments(node, { ...given, ...Object.fromEntries(casts) });
    const wide = editor.call(CAST, [node, 'float32'], { after: node, like: [node] });
    node.replaceAllUsesWith(wide, (user) => user !== wide);
  }
}

/**
 * Whether products are to be cast.
 * @throws Error for another dtype, or on a CPU that is not faster in bfloat16.
 */
export function checkTrainingAutocast(option: 'bfloat16' | TrainingAutocast | undefined): boolean {
  if (option === undefined) return false;
  const isObject = typeof option === 'object' && option !== null;
  if (isObject) checkOptions(option, { dtype: true, force: 'boolean' }, 'Trainer: autocast');
  const { dtype, force = false }: TrainingAutocast = isObject ? option : { dtype: option };
  if (dtype !== 'bfloat16') throw new Error(`Trainer: autocast must be 'bfloat16', got '${String(dtype)}'`);
  const reason = force ? undefined : whyNoFastBfloat16(computeFeatures());
  if (reason)
    throw new Error(
      `Trainer: autocast to bfloat16 would be slower than float32: ${reason}; ` +
        "to see what it does to the model's accuracy, force it (autocast: { dtype: 'bfloat16', force: true })",
    );
  return true;
}
