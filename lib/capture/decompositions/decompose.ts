import { operators } from '../../aten/index.ts';
import {
  type Argument,
  Arguments,
  GET_ITEM,
  type GraphModule,
  inferNode,
  type MetaValue,
  modelLine,
  type Node,
} from '../../graph/index.ts';
import { type Decomposition, decompositions } from './all.ts';
import type { Add, Call, MultipleDefinition } from './decomposition.ts';

/**
 * Replaces operators that have a decomposition with calls of other operators, and decomposes these in turn (counterpart:
 * `ExportedProgram.run_decompositions`). The last of these calls keeps the node, with its name and users. If an operator has
 * several results, the call that computes a result keeps the node that picks it.
 * @throws Error that names the node and the line of the model if an operator's arguments are rejected.
 */
export function decompose(module: GraphModule): void {
  const decomposing = new Decomposing(module);
  for (const node of [...module.graph.nodes])
    try {
      decomposing.visit(node);
    } catch (error) {
      throw new Error(`node '${node.name}': ${(error as Error).message}${modelLine(node)}`, { cause: error });
    }
}

/** The same for one call that was just added to a graph whose other nodes are decomposed already. */
export function decomposeCall(module: GraphModule, node: Node): void {
  new Decomposing(module).visit(node);
}

class Decomposing {
  readonly #module: GraphModule;
  /** Nodes that were removed from the graph. */
  readonly #erased = new Set<Node>();

  constructor(module: GraphModule) {
    this.#module = module;
  }

  visit(node: Node): void {
    if (node.op === 'get_attr') {
      const { dtype, shape } = this.#module.attribute(node.target);
      node.meta.val ??= { dtype, shape };
    }
    if (node.op !== 'call_function' || this.#erased.has(node)) return;
    const found = this.#decompositionOf(node);
    if (!found) {
      if (node.meta.val === undefined && this.#isKnown(node)) node.meta.val = this.#infer(node);
      return;
    }
    const { definition, args } = found;
    if ('results' in definition) {
      this.#replaceResults(node, definition, args);
      return;
    }
    const call = definition.decompose(this.#adderBefore(node), args, node);
    if (found.returns > 1) this.#takeFirstResult(node);
    this.#become(node, ...call);
  }

  #decompositionOf(node: Node) {
    for (const { schema, definition } of decompositions.get(node.target) ??
      ([] as readonly Decomposition[])) {
      const args = Arguments.bind<Node>(schema, node.args, node.kwargs);
      if (definition.applies?.(args, node) ?? true) return { definition, args, returns: schema.returns };
    }
    return undefined;
  }

  /** Adds calls before `node`, each decomposed itself. */
  #adderBefore(node: Node): Add {
    const { graph } = this.#module;
    const { val: _, ...facts } = node.meta;
    return (target, ...args) => {
      const placed = placedBySchema(target, args);
      const call = graph.insertingBefore(node, () => graph.callFunction(target, placed.args, placed.kwargs));
      call.meta = { ...facts };
      this.visit(call);
      return call;
    };
  }

  #become(node: Node, ...[target, ...given]: Call): void {
    const { args, kwargs } = placedBySchema(target, given);
    node.target = target;
    node.setArguments(args, kwargs);
    this.visit(node);
  }

  #replaceResults(node: Node, definition: MultipleDefinition, args: Arguments<Node>): void {
    const results = definition.results(this.#adderBefore(node), args, node);
    const picked = new Map<number, Node>();
    for (const user of node.users) {
      const index = user.args[1] as number;
      const call = user.target === GET_ITEM ? results[index] : undefined;
      const before = picked.get(index);
      if (before) {
        user.replaceAllUsesWith(before);
        this.#erase(user);
      } else if (user.users.length === 0) this.#erase(user);
      else if (call) {
        picked.set(index, user);
        this.#become(user, ...call());
      } else throw new Error(`${node.target}: its result ${index} is not supported`);
    }
    this.#erase(node);
  }

  /** Makes users of the first of several results use the node itself. The other results must have no users. */
  #takeFirstResult(node: Node): void {
    for (const user of node.users) {
      if (user.target !== GET_ITEM || (user.args[1] !== 0 && user.users.length > 0))
        throw new Error(`${node.target}: only its first result is supported`);
      user.replaceAllUsesWith(node);
      this.#erase(user);
    }
    if (Array.isArray(node.meta.val)) node.meta.val = node.meta.val[0];
  }

  #erase(node: Node): void {
    this.#module.graph.eraseNode(node);
    this.#erased.add(node);
  }

  /** Whether a call's result can be inferred: the metas of all its inputs are known. */
  #isKnown(node: Node): boolean {
    const known = node.allInputNodes.every((input) => input.meta.val !== undefined);
    return known && (node.target === GET_ITEM || operators.has(node.target));
  }

  #infer(node: Node): MetaValue {
    return inferNode(operators, node, (input) => input.meta.val!, this.#module.rangeConstraints);
  }
}

/** Splits arguments in the order of an operator's schema into positional ones and keywords; keywords with their default are omitted. */
function placedBySchema(target: string, given: readonly Argument[]) {
  const schema = operators.has(target)
    ? operators.get(target).schema
    : decompositions.get(target)?.[0].schema;
  const keywords = schema?.arguments.slice(0, given.length).filter(({ keywordOnly }) => keywordOnly) ?? [];
  const count = given.length - keywords.length;
  const named = keywords.map(
    ({ name, defaultValue }, i) => [name, given[count + i], defaultValue ?? null] as const,
  );
  const said = named.filter(([, value, otherwise]) => value !== otherwise);
  return {
    args: given.slice(0, count),
    kwargs: Object.fromEntries(said.map(([name, value]) => [name, value])) as Record<string, Argument>,
  };
}
