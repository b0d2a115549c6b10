import { operators } from '../aten/index.ts';
import { GET_ITEM, type Node } from '../graph/index.ts';

/**
 * Whether an operator writes to its first argument: its name ends in an underscore, as in `aten.relu_.default`. The
 * exception is `aten.detach_`, which only stops gradients and does nothing here.
 */
export function isInPlace(target: string): boolean {
  return target !== 'aten.detach_.default' && /^\w+\.[a-zA-Z]\w*_\.\w+$/.test(target);
}

/**
 * Tracks, while a graph is being built, which nodes share memory, so that in-place operators can become functional:
 * every later use of the written value becomes a use of the operator's result.
 */
export class MemoryTracker {
  readonly #memory = new Map<Node, object>();
  readonly #writers = new Map<object, Node>();

  /**
   * Records a new node, whose arguments must be set.
   * @throws Error when it writes to a parameter or buffer: a served model has no state.
   */
  add(node: Node): void {
    const [first] = node.allInputNodes;
    if (isInPlace(node.target) && first?.op === 'get_attr')
      throw new Error(
        `node '${node}' (${node.target}) writes the parameter or buffer '${first.target}'; ` +
          'call model.eval() before the export',
      );
    const shares = isInPlace(node.target) || node.target === GET_ITEM || isView(node.target);
    const memory = (shares && first && this.#memory.get(first)) || {};
    this.#memory.set(node, memory);
    if (isInPlace(node.target)) this.#writers.set(memory, node);
  }

  /**
   * Checks that `node` may read `input`: its memory must not have been written through another name since.
   * @throws Error that names the writer otherwise: functional operators cannot express that.
   */
  checkRead(node: string, input: Node): void {
    const memory = this.#memory.get(input);
    const writer = memory && this.#writers.get(memory);
    if (!writer || writer === input || this.#derivedFrom(input, writer)) return;
    throw new Error(
      `node '${node}' reads '${input}' after '${writer}' (${writer.target}) wrote its memory through a view; ` +
        'write the model without in-place operators on views',
    );
  }

  /** Whether `node` was made from `source` through views, and therefore sees what `source` wrote. */
  #derivedFrom(node: Node, source: Node): boolean {
    for (let at: Node | undefined = node; at; at = at.allInputNodes[0]) {
      if (at === source) return true;
      if (!isView(at.target) && at.target !== GET_ITEM) return false;
    }
    return false;
  }
}

/** Whether an operator returns its first argument's memory without writing it. */
function isView(target: string): boolean {
  return !isInPlace(target) && operators.has(target) && operators.get(target).sharesMemory;
}
