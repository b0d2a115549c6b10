import type { PickleValue } from '../../formats/pickle.ts';
import { type GraphModule, type TensorMeta, tensorMeta } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import type { ModelArchive } from './model-archive.ts';

declare module '../../graph/graph-module.ts' {
  interface GraphModuleMeta {
    /** What the model was exported with, in the order of the placeholders (`ExportedProgram.example_inputs`). */
    exampleInputs?: readonly Tensor[];
  }
}

/**
 * The example inputs of an archive for the graph that was built of it.
 * @returns undefined where there are none, or anything but plain tensors of the inputs' dtypes and ranks: they are a help,
 * and a model without them is as good.
 */
export async function readExampleInputs(
  archive: ModelArchive,
  { graph }: GraphModule,
): Promise<readonly Tensor[] | undefined> {
  const leaves = leavesOf(await archive.exampleInputs().catch(() => undefined));
  const specs = archive.program
    .field('graph_module')
    .field('signature')
    .field('input_specs')
    .items()
    .map((spec) => spec.union()[0])
    .filter((kind) => kind === 'user_input' || kind === 'constant_input');
  if (leaves.length !== specs.length) return undefined;
  const examples = leaves.filter((_, i) => specs[i] === 'user_input');
  return graph.placeholders.every((node, i) => isExample(examples[i], tensorMeta(node)))
    ? (examples as Tensor[])
    : undefined;
}

const isExample = (value: PickleValue | undefined, meta: TensorMeta | undefined) =>
  value instanceof Tensor && value.dtype === meta?.dtype && value.shape.length === meta.shape.length;

/** Far more than a model has arguments: pickles can hold lists that hold themselves. */
const MOST_VALUES = 10_000;

/** What is in tuples, lists and dicts, in order, as PyTorch's `tree_flatten` has it; nothing where it has no end. */
function leavesOf(root: PickleValue | undefined): PickleValue[] {
  const leaves: PickleValue[] = [];
  const waiting: PickleValue[] = root === undefined ? [] : [root];
  for (let visited = 0; waiting.length > 0; visited++) {
    const value = waiting.pop() ?? null;
    if (visited > MOST_VALUES || waiting.length > MOST_VALUES) return [];
    if (Array.isArray(value) || value instanceof Map)
      for (const item of [...value.values()].reverse() as PickleValue[]) waiting.push(item);
    else leaves.push(value);
  }
  return leaves;
}
