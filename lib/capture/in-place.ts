import { operators } from '../aten/index.ts';
import { GET_ITEM, type Graph, type Node } from '../graph/index.ts';
import { metaOf } from './decompositions/decomposition.ts';
import { writtenBack } from './written-back.ts';

/**
 * Whether an operator writes to its first argument: its name ends in an underscore, as in `aten.relu_.default`. The
 * exception is `aten.detach_`, which only stops gradients and does nothing here.
 */
export function isInPlace(target: string): boolean {
  return target !== 'aten.detach_.default' && /^\w+\.[a-zA-Z]\w*_\.\w+$/.test(target);
}

/** What a node stands for: some memory, whole or through a view. */
interface Place {
  /** All writes to the memory so far, in order. */
  readonly memory: Write[];
  /** What the view is of; none for the whole. */
  readonly base?: Place;
  /** The node that made it. */
  readonly origin: Node;
  /** The node with its content after the first `writes` of the memory's writes. */
  value: Node;
  writes: number;
}

interface Write {
  readonly place: Place;
  /** The in-place operator, whose result is the place's new content. */
  readonly value: Node;
}

/**
 * Turns in-place operators into functional ones while a graph is being built (counterpart: PyTorch's functionalization).
 * The result of such an operator is the new content of what it writes. Who reads the same memory later through another
 * name gets that content, too: the write is repeated on what its argument is a view of (`slice_scatter` and the like),
 * and views are taken again. These calls are added where somebody reads, so a program without such reads keeps its nodes.
 */
export class MemoryTracker {
  readonly #graph: Graph;
  readonly #places = new Map<Node, Place>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /**
   * Records a new node, whose arguments must be set and current.
   * @throws Error when it writes to a parameter or buffer: a served model has no state.
   */
  add(node: Node): void {
    const [first] = node.allInputNodes;
    const source = first && this.#places.get(first);
    if (source && isInPlace(node.target)) this.#write(node, source);
    else if (source && (isView(node.target) || (node.target === GET_ITEM && source.base)))
      this.#places.set(node, { ...source, base: source, origin: node, value: node });
    else if (!this.#places.has(node))
      this.#places.set(node, { memory: [], origin: node, value: node, writes: 0 });
  }

  /**
   * The node that holds what `node` stands for, with everything that was written to its memory since.
   * @throws Error that names both when a write cannot be repeated.
   */
  current(node: Node): Node {
    const place = this.#places.get(node);
    return place ? this.#valueOf(place) : node;
  }

  #write(node: Node, place: Place): void {
    const { op, target } = wholeOf(place).origin;
    if (op === 'get_attr')
      throw new Error(
        `node '${node}' (${node.target}) writes the parameter or buffer '${target}'; ` +
          'call model.eval() before the export',
      );
    place.memory.push({ place, value: node });
    this.#keep(place, node, place.memory.length);
  }

  #valueOf(place: Place): Node {
    const { base, memory, origin } = place;
    while (place.writes < memory.length)
      if (base) this.#keep(place, this.#viewAgain(origin, this.#valueOf(base)), memory.length);
      else this.#repeatWrite(place);
    return place.value;
  }

  /** Brings the whole of some memory from its last known content to that after the next write. */
  #repeatWrite(whole: Place): void {
    const { place, value: writer } = whole.memory[whole.writes];
    let content = writer;
    for (let at = place; at.base; ) {
      const base = at.origin.target === GET_ITEM ? at.base.base! : at.base;
      const before = this.#valueBefore(base, whole);
      const [target, ...args] = writtenBack(at.origin, before, content, writer);
      content = this.#graph.callFunction(target, args, {}, `${writer.name}_in_${base.origin.name}`);
      content.meta = { ...writer.meta, val: metaOf(before, writer.target) };
      at = base;
    }
    this.#keep(whole, content, whole.writes + 1);
  }

  /** A view of the last known content of its memory's whole. */
  #valueBefore(place: Place, whole: Place): Node {
    if (!place.base || place.writes === whole.writes) return place.value;
    return this.#viewAgain(place.origin, this.#valueBefore(place.base, whole));
  }

  #viewAgain({ target, args, kwargs, name, meta }: Node, base: Node): Node {
    const view = this.#graph.callFunction(target, [base, ...args.slice(1)], kwargs, `${name}_again`);
    view.meta = { ...meta };
    return view;
  }

  #keep(place: Place, value: Node, writes: number): void {
    place.value = value;
    place.writes = writes;
    this.#places.set(value, place);
  }
}

function wholeOf(place: Place): Place {
  return place.base ? wholeOf(place.base) : place;
}

/** Whether an operator returns its first argument's memory without writing it. */
function isView(target: string): boolean {
  return !isInPlace(target) && operators.has(target) && operators.get(target).sharesMemory;
}
