import type { Graph, GraphModule, Node } from '../../graph/index.ts';
import type { Scope } from '../../nn/dispatcher.ts';
import type { Module } from '../../nn/index.ts';
import type { Tensor } from '../../tensor/index.ts';

interface Holder {
  readonly path: string;
  readonly tensor: Tensor;
  readonly kind: 'parameter' | 'buffer';
}

/**
 * The parameters, buffers and constants that a traced model uses, as `get_attr` nodes in PyTorch's order: parameters
 * before buffers and constants; within each, those read by a user's own module before those of PyTorch's modules, in
 * order of first use.
 */
export class TracedState {
  readonly #graph: Graph;
  readonly #holders = new Map<Tensor, Holder>();
  readonly #byModule = new Map<Scope, readonly Holder[]>();
  readonly #direct = new Set<Holder>();
  readonly #entered = new Set<Holder>();
  readonly #nodes = new Map<Holder, Node>();
  #constants = 0;

  constructor(root: Module, graph: Graph) {
    this.#graph = graph;
    for (const [path, module] of root.namedModules()) {
      const prefix = path === '' ? '' : `${path}.`;
      const own: Holder[] = [
        ...module.ownParameters.map(([name, { tensor }]) => ({
          path: prefix + name,
          tensor,
          kind: 'parameter' as const,
        })),
        ...module.ownBuffers.map(([name, { tensor }]) => ({
          path: prefix + name,
          tensor,
          kind: 'buffer' as const,
        })),
      ];
      // A tensor shared by two modules keeps its first name.
      const unique = own.map((holder) => this.#holders.get(holder.tensor) ?? holder);
      for (const holder of unique) this.#holders.set(holder.tensor, holder);
      this.#byModule.set(module, unique);
    }
  }

  /** Records the call of one of PyTorch's own modules: all of its state will be in the graph, used or not. */
  enter(module: Scope): void {
    for (const holder of this.#byModule.get(module) ?? []) this.#entered.add(holder);
  }

  /** The node of a tensor. A tensor that belongs to no module becomes a constant of the graph. */
  node(tensor: Tensor): Node {
    const holder = this.#holders.get(tensor) ?? this.#constant(tensor);
    if (!this.#entered.has(holder)) this.#direct.add(holder);
    return this.#nodes.get(holder) ?? this.#create(holder);
  }

  /** Creates all nodes in another, empty graph in their final order, with the attributes they name. */
  copyInto(module: GraphModule): Map<Node, Node> {
    const copies = new Map<Node, Node>();
    const parameters = new Set<string>();
    for (const kind of ['parameter', 'buffer'] as const)
      for (const holder of [...this.#direct, ...this.#entered]) {
        if (holder.kind !== kind || module.attributes.has(holder.path)) continue;
        module.attributes.set(holder.path, holder.tensor);
        if (kind === 'parameter') parameters.add(holder.path);
        const copy = module.graph.getAttr(holder.path);
        copy.meta = { val: { dtype: holder.tensor.dtype, shape: holder.tensor.shape } };
        const node = this.#nodes.get(holder);
        if (node) copies.set(node, copy);
      }
    module.meta.parameters = parameters;
    return copies;
  }

  #constant(tensor: Tensor): Holder {
    const holder: Holder = { path: `lifted_tensor_${this.#constants++}`, tensor, kind: 'buffer' };
    this.#holders.set(tensor, holder);
    return holder;
  }

  #create(holder: Holder): Node {
    const node = this.#graph.getAttr(holder.path);
    node.meta.val = { dtype: holder.tensor.dtype, shape: holder.tensor.shape };
    this.#nodes.set(holder, node);
    return node;
  }
}
