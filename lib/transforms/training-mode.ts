import { operators } from '../aten/index.ts';
import { type GraphModule, modelLine, type Node } from '../graph/index.ts';

/** Where operators have the switch for training, by the name of the argument. */
export const trainingSwitches: ReadonlySet<string> = new Set(['train', 'training']);

/** The place of a call's switch for training among its arguments; undefined where it has none. */
export function trainingSwitch(node: Node): number | undefined {
  if (node.op !== 'call_function' || !operators.has(node.target)) return undefined;
  const at = operators.get(node.target).schema.arguments.findIndex(({ name }) => trainingSwitches.has(name));
  return at >= 0 && at < node.args.length ? at : undefined;
}

/**
 * @param where the function that takes models in evaluation mode alone, for messages.
 * @throws Error that names the first call in training mode.
 */
export function refuseTrainingMode({ graph }: GraphModule, where: string): void {
  for (const node of graph.nodes) {
    const at = trainingSwitch(node);
    if (at !== undefined && node.args[at] === true)
      throw new Error(
        `${where}: node '${node}' (${node.target}) is in training mode; call eval() before export, or ` +
          `moveExportedModelToEval${modelLine(node)}`,
      );
  }
}
