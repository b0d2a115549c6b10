import { appendGraph } from '../autograd/append.ts';
import { exportModel } from '../capture/nn/trace.ts';
import { type GraphModule, type Node, tensorMeta } from '../graph/index.ts';
import { Module, type Value } from '../nn/index.ts';
import type { DType, Tensor } from '../tensor/index.ts';
import { GraphEditor } from '../transforms/editor.ts';
import { placeholder } from './inputs.ts';

/** Dtype and shape of a tensor that a batch brings. */
export interface BatchTensor {
  /** That of every batch's tensor. */
  readonly dtype: DType;
  /** Its sizes; the first axis counts the batch's examples. */
  readonly shape: readonly number[];
}

/**
 * What is to be made small: a function of the model's outputs and of the batch's targets, in `nn.functional`'s operators.
 *
 *     (logits, { labels }) => F.crossEntropy(logits, labels)
 */
export type Loss = (outputs: readonly Value[], targets: Readonly<Record<string, Value>>) => Value;

class LossModule extends Module {
  readonly #loss: Loss;
  readonly #outputs: number;
  readonly #targets: readonly string[];

  constructor(loss: Loss, outputs: number, targets: readonly string[]) {
    super();
    this.#loss = loss;
    this.#outputs = outputs;
    this.#targets = targets;
  }

  override forward(...inputs: Value[]): Value {
    const targets = this.#targets.map((name, i) => [name, inputs[this.#outputs + i]] as const);
    const loss = this.#loss(inputs.slice(0, this.#outputs), Object.fromEntries(targets)) as
      | Value
      | null
      | undefined;
    if (typeof loss !== 'object' || loss === null || !('shape' in loss))
      throw new Error(`training: the loss must be a value of nn.functional's, got ${String(loss)}`);
    return loss;
  }
}

/**
 * Captures a loss and adds it to the graph whose results it reads; what it reads beside them becomes an input.
 * @param paths where tensors of the model stand, which a loss may read: each step replaces them.
 * @returns the node of the loss, in float32.
 * @throws Error when it is not one float, or cannot be captured.
 */
export function appendLoss(
  module: GraphModule,
  loss: Loss,
  outputs: readonly Node[],
  targets: Readonly<Record<string, BatchTensor>>,
  paths?: ReadonlyMap<Tensor, string>,
): Node {
  const { graph } = module;
  const taken = graph.placeholders.map(({ target }) => target);
  for (const name of Object.keys(targets))
    if (taken.includes(name) || /^(group_\d+_|state\.|output_\d+$)/.test(name))
      throw new Error(`training: a target must not be called '${name}': that is an input's name`);
  const examples = Object.fromEntries([
    ...outputs.map((node, i) => [`output_${i}`, tensorMeta(node) as BatchTensor]),
    ...Object.entries(targets),
  ]);
  const traced = exportModel(new LossModule(loss, outputs.length, Object.keys(targets)), examples);
  const last = graph.placeholders.at(-1)!;
  const inputs = graph.insertingAfter(last, () =>
    Object.entries(targets).map(([name, { dtype, shape }]) => placeholder(graph, name, { dtype, shape })),
  );
  const results = appendGraph(module, traced, [...outputs, ...inputs], paths);
  if (results.length !== 1) throw new Error(`training: the loss must be one number, got ${results.length}`);
  const { dtype } = tensorMeta(results[0])!;
  if (!dtype.includes('float')) throw new Error(`training: the loss must be a float, got ${dtype}`);
  const place = { before: graph.outputNode, like: [results[0]] };
  return dtype === 'float32'
    ? results[0]
    : new GraphEditor(module).call('aten.to.dtype', [results[0], 'float32'], place);
}
