import { type Argument, isArgumentList, mapArguments, Node, type NodeOp } from './node.ts';

/**
 * A list of nodes in execution order (counterpart: `torch.fx.Graph`). Names are unique and formed as torch.fx forms
 * them, so that a printout reads like PyTorch's.
 */
export class Graph {
  #nodes: Node[] = [];
  readonly #names = new Set<string>();
  readonly #counts = new Map<string, number>();
  #insertPoint: { readonly before: Node } | undefined;

  /** All nodes in order. The array is a snapshot: it is safe to iterate while the graph changes. */
  get nodes(): readonly Node[] {
    return [...this.#nodes];
  }

  /** The nodes that represent the caller's inputs. */
  get placeholders(): readonly Node[] {
    return this.#nodes.filter((node) => node.op === 'placeholder');
  }

  /**
   * The one output node.
   * @throws Error when the graph has none yet.
   */
  get outputNode(): Node {
    const node = this.#nodes.at(-1);
    if (node?.op !== 'output') throw new Error('Graph: there is no output node');
    return node;
  }

  /**
   * Adds an input of the graph (`torch.fx.Graph.placeholder`). The caller sets its dtype and shape in `meta.val`.
   * @param name the input's name for callers; the node's own name may get a number.
   */
  placeholder(name: string): Node {
    return this.#create('placeholder', name, [], {}, name);
  }

  /**
   * Adds the value of a parameter, buffer or constant (`torch.fx.Graph.get_attr`).
   * @param target its path in the graph module's `attributes`.
   * @param name the node's name; it gets a number if it is taken.
   */
  getAttr(target: string, name = target): Node {
    return this.#create('get_attr', target, [], {}, name);
  }

  /**
   * Adds a call of an operator (`torch.fx.Graph.call_function`). The operator and its arguments are checked later, when
   * shapes are propagated or the graph runs.
   * @param target the operator with its overload: `aten.conv2d.default`.
   * @param args positional arguments; a node represents its value.
   * @param name the node's name; it gets a number if it is taken.
   */
  callFunction(
    target: string,
    args: readonly Argument[],
    kwargs: Readonly<Record<string, Argument>> = {},
    name = functionName(target),
  ): Node {
    return this.#create('call_function', target, args, kwargs, name);
  }

  /**
   * Adds a call of a module, usually an observer (`torch.fx.Graph.call_module`).
   * @param target the module's name in the graph module's `modules`.
   * @param args the tensor that the module observes.
   */
  callModule(target: string, args: readonly Argument[]): Node {
    return this.#create('call_module', target, args, {}, target);
  }

  /**
   * Adds the one node that ends the graph, with its results (`torch.fx.Graph.output`).
   * @param value a node, or a list of nodes.
   * @param names the results' names for callers; by default the current names of the returned nodes.
   */
  output(value: Argument, names: readonly string[] = namesOf(value)): Node {
    const node = this.#create('output', 'output', [value], {}, 'output');
    node.meta.outputNames = names;
    return node;
  }

  /** Runs `build`; nodes it creates are inserted before `node` (`torch.fx.Graph.inserting_before`). */
  insertingBefore<T>(node: Node, build: () => T): T {
    const outer = this.#insertPoint;
    this.#insertPoint = { before: node };
    try {
      return build();
    } finally {
      this.#insertPoint = outer;
    }
  }

  /** Runs `build`; nodes it creates are inserted after `node`, in creation order (`inserting_after`). */
  insertingAfter<T>(node: Node, build: () => T): T {
    const next = this.#nodes[this.#nodes.indexOf(node) + 1];
    return next ? this.insertingBefore(next, build) : build();
  }

  /**
   * Moves a node that is in the graph, so that it stands before another (`torch.fx.Node.prepend`). Whether its arguments then still
   * stand before it is for {@link lint} to say.
   */
  moveBefore(node: Node, moved: Node): void {
    const others = this.#nodes.filter((each) => each !== moved);
    others.splice(others.indexOf(node), 0, moved);
    this.#nodes = others;
  }

  /**
   * Removes a node that has no users (`torch.fx.Graph.erase_node`).
   * @throws Error when it still has users.
   */
  eraseNode(node: Node): void {
    if (node.users.length > 0)
      throw new Error(`Graph: cannot erase ${node}: it is still used by ${node.users.join(', ')}`);
    node.setArguments([], {});
    this.#nodes = this.#nodes.filter((other) => other !== node);
  }

  /**
   * Removes every unused node except placeholders (`torch.fx.Graph.eliminate_dead_code`). Returns whether any was
   * removed.
   */
  eliminateDeadCode(): boolean {
    let changed = false;
    for (const node of this.#nodes.toReversed())
      if (node.users.length === 0 && node.op !== 'placeholder' && node.op !== 'output') {
        this.eraseNode(node);
        changed = true;
      }
    return changed;
  }

  /** Copies a node of another graph into this one, with its meta (`torch.fx.Graph.node_copy`). */
  nodeCopy(node: Node, map: (node: Node) => Node): Node {
    const { args, kwargs } = mapArguments(node, map);
    const twin = this.#create(node.op, node.target, args, kwargs, node.name);
    twin.meta = { ...node.meta };
    return twin;
  }

  /** A copy with its own nodes, names kept. */
  clone(): Graph {
    const twin = new Graph();
    const copies = new Map<Node, Node>();
    for (const node of this.#nodes)
      copies.set(
        node,
        twin.nodeCopy(node, (input) => copies.get(input)!),
      );
    return twin;
  }

  /**
   * Checks that every argument comes before its user, names are unique and the output is last (`torch.fx.Graph.lint`).
   * @throws Error that names the first node that violates this.
   */
  lint(): void {
    const seen = new Set<Node>();
    const names = new Set<string>();
    for (const node of this.#nodes) {
      for (const input of node.allInputNodes)
        if (!seen.has(input)) throw new Error(`Graph: ${node} uses ${input} before it is defined`);
      if (names.has(node.name)) throw new Error(`Graph: two nodes are named ${node.name}`);
      names.add(node.name);
      seen.add(node);
    }
    void this.outputNode;
  }

  #create(
    op: NodeOp,
    target: string,
    args: readonly Argument[],
    kwargs: Readonly<Record<string, Argument>>,
    candidate: string,
  ): Node {
    const node = new Node(this.#uniqueName(candidate), op, target);
    node.setArguments(args, kwargs);
    const at = this.#insertPoint ? this.#nodes.indexOf(this.#insertPoint.before) : this.#nodes.length;
    this.#nodes.splice(at, 0, node);
    return node;
  }

  /**
   * torch.fx's `_Namespace.create_name`: identifiers only, and `_1`, `_2`, … on a clash, counted on from the last
   * number used. Names of erased nodes are not reused.
   */
  #uniqueName(candidate: string): string {
    const clean = candidate.replace(/[^0-9a-zA-Z_]+/g, '_').replace(/^(\d)/, '_$1');
    const [, base, digits] = /^(.*)_(\d+)$/.exec(clean) ?? [clean, clean];
    let number = Number(digits ?? 0);
    let name = digits === undefined ? base : `${base}_${number}`;
    if (number === 0) number = this.#counts.get(base) ?? 0;
    while (this.#names.has(name)) name = `${base}_${++number}`;
    this.#counts.set(base, number);
    this.#names.add(name);
    return name;
  }
}

/** Names of an output's nodes. A node that appears twice gets a number the second time. */
function namesOf(value: Argument): string[] {
  const count = new Map<string, number>();
  return (isArgumentList(value) ? value : [value]).map((arg) => {
    const name = String(arg);
    const before = count.get(name) ?? 0;
    count.set(name, before + 1);
    return before === 0 ? name : `${name}.${before}`;
  });
}

/** torch.fx names a call after the operator and its overload: `aten.add.Tensor` becomes `add_tensor`. */
function functionName(target: string): string {
  const [, ...rest] = target.split('.');
  return (rest.length > 0 ? rest.join('_') : target).replace(/[A-Z]/g, (c) => c.toLowerCase());
}
