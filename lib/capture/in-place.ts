import { operators } from '../aten/index.ts';
import { GET_ITEM, type Node } from '../graph/index.ts';

/**
 * Whether an operator writes its first argument: its name ends in an underscore, as in `aten.relu_.default`. That of
 * `aten.detach_` says that gradients stop there, which is nothing here.
 */
export function isInPlace(target: string): boolean {
  return target !== 'aten.detach_.default' && /^\w+\.[a-zA-Z]\w*_\.\w+$/.test(target);
}

/**
 * Keeps track of memory that several nodes see, while a graph is being built, so that in-place operators can be given
 * functional semantics: whoever used the written value later, uses the operator's result instead.
 */
export class MemoryTracker {
  readonly #memory = new Map<Node, object>();
  readonly #writers = new Map<object, Node>();

  /**
   * Records a new node. `node` must have its arguments.
   * @throws Error when it writes a parameter or buffer: a model that is served has no state.
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
   * Checks that `node` may read `input`: its memory was not written through another name since.
   * @throws Error that names the writer, when it was: that cannot be said without shared memory.
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

  /** Whether `node` was made from `source` through views: it then sees what `source` wrote. */
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
