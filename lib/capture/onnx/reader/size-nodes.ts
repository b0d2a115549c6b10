import {
  type Argument,
  type Dim,
  mulDims,
  type Node,
  SymInt,
  type SymTerm,
  subDims,
} from '../../../graph/index.ts';

/** Adds a call to the graph and infers what it returns. */
export type AddCall = (target: string, args: readonly Argument[]) => Node;

/** The nodes that compute sizes when a request arrives: `aten.sym_size.int` of inputs, and sums and products of them. */
export class SizeNodes {
  readonly #add: AddCall;
  readonly #nodes = new Map<string, Node>();
  /** By symbol: how its value comes about. */
  readonly #sources = new Map<string, () => Node>();

  constructor(add: AddCall) {
    this.#add = add;
  }

  /**
   * Tells that `dim` is what `make` returns the node of. Of a sum in which one symbol is new, that symbol follows.
   */
  learn(dim: Dim, make: () => Node): void {
    if (typeof dim === 'number') return;
    const unknown = new Set(dim.terms.flatMap(({ symbols }) => symbols.filter((s) => !this.#sources.has(s))));
    if (unknown.size !== 1) return;
    const [symbol] = unknown;
    const term = dim.terms.find(({ symbols }) => symbols.includes(symbol))!;
    const isAlone = dim.terms.filter(({ symbols }) => symbols.includes(symbol)).length === 1;
    if (!isAlone || term.symbols.length !== 1 || Math.abs(term.coefficient) !== 1) return;
    const rest = subDims(dim, mulDims(term.coefficient, new SymInt([symbol])));
    this.#sources.set(symbol, () => {
      if (rest === 0 && term.coefficient === 1) return make();
      const others = this.argument(rest);
      const [a, b] = term.coefficient === 1 ? [make(), others] : [others, make()];
      return this.#cached(new SymInt([symbol]), () => this.#add('operator.sub', [a, b]));
    });
  }

  /** The size as an argument of a call: a number, or the node that computes it. */
  argument(dim: Dim): Node | number {
    if (typeof dim === 'number') return dim;
    return this.#cached(dim, () => this.#sum(dim));
  }

  /** The node of an operator on sizes. */
  computed(target: string, args: readonly Dim[]): Node {
    return this.#add(
      target,
      args.map((arg) => this.argument(arg)),
    );
  }

  /** `aten.sym_size.int`, once for each extent. */
  extent(node: Node, axis: number): Node {
    const key = `${node.name}[${axis}]`;
    const known = this.#nodes.get(key);
    if (known) return known;
    const made = this.#add('aten.sym_size.int', [node, axis]);
    this.#nodes.set(key, made);
    return made;
  }

  #cached(dim: SymInt, make: () => Node): Node {
    const key = String(dim);
    const node = this.#nodes.get(key) ?? make();
    this.#nodes.set(key, node);
    return node;
  }

  #sum({ terms }: SymInt): Node {
    const [first, ...others] = terms.map((term) => this.#product(term));
    return others.reduce<Node | number>((sum, term) => this.#add('operator.add', [sum, term]), first) as Node;
  }

  #product({ symbols, coefficient }: SymTerm): Node | number {
    const factors = symbols.map((symbol) => this.#symbol(symbol));
    const [first, ...others] = coefficient === 1 && factors.length > 0 ? factors : [...factors, coefficient];
    return others.reduce<Node | number>(
      (product, factor) => this.#add('operator.mul', [product, factor]),
      first,
    );
  }

  #symbol(symbol: string): Node {
    const source = this.#sources.get(symbol);
    if (!source) throw new Error(`the size ${symbol} cannot be computed from the sizes of the inputs`);
    return source();
  }
}
