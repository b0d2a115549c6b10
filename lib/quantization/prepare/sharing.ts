import { DisjointSet, type GraphModule, Node } from '../../graph/index.ts';
import { type EdgeOrNode, placeKey } from '../edge-or-node.ts';
import { EdgeOrNodeMap } from '../edge-or-node-map.ts';
import { DerivedQuantizationSpec, type QuantizationSpecBase, SharedQuantizationSpec } from '../specs.ts';

/** A specification that does not refer to another place for its parameters. */
export type RootSpec = Exclude<QuantizationSpecBase, SharedQuantizationSpec>;

/** Places that share one observer. */
export interface SharingGroup {
  readonly places: readonly EdgeOrNode[];
  /** What the observer is made from; null leaves these places in floating point. */
  readonly spec: RootSpec | null;
}

/** All annotated places of a graph with their specifications, in graph order: a node's inputs, then its output. */
function annotatedPlaces(module: GraphModule): EdgeOrNodeMap<QuantizationSpecBase | null> {
  const specs = new EdgeOrNodeMap<QuantizationSpecBase | null>();
  for (const node of module.graph.nodes) {
    const annotation = node.meta.quantizationAnnotation;
    if (!annotation) continue;
    for (const [input, spec] of annotation.inputQspecMap) {
      if (!node.allInputNodes.includes(input))
        throw new Error(`node '${node}' annotates '${input}' as an input, but does not take it`);
      specs.set([input, node], spec);
    }
    if (annotation.outputQspec !== null) specs.set(node, annotation.outputQspec);
  }
  return specs;
}

/**
 * Decides which places share an observer (counterpart: `_get_edge_or_node_to_group_id`), by union-find. Places share
 * when one's {@link SharedQuantizationSpec} names the other, and implicitly when they are the same tensor with equal
 * specifications: a node's output and the edges that take it. Sharing is transitive.
 * All places of a group come to the same specification: one refers to another's, or both are equal.
 * @throws Error that names the places: sharing with a place that is not annotated, or in a circle.
 */
export function groupPlaces(module: GraphModule): SharingGroup[] {
  const sharing = new Sharing(annotatedPlaces(module));
  sharing.resolve();
  return sharing.groups();
}

class Sharing {
  readonly #specs: EdgeOrNodeMap<QuantizationSpecBase | null>;
  readonly #sets = new EdgeOrNodeMap<DisjointSet>();

  constructor(specs: EdgeOrNodeMap<QuantizationSpecBase | null>) {
    this.#specs = specs;
    for (const [place] of specs.entries()) this.#sets.set(place, new DisjointSet());
  }

  resolve(): void {
    for (const [place, spec] of this.#specs.entries()) {
      if (!(place instanceof Node)) this.#shareImplicitly(place);
      if (spec instanceof SharedQuantizationSpec) {
        this.#checkAnnotated(spec.edgeOrNode, place);
        this.#unite(spec.edgeOrNode, place);
      }
    }
  }

  /** In PyTorch's order: first with the other users of the same tensor, then with its producer. */
  #shareImplicitly(edge: readonly [Node, Node]): void {
    const [producer, user] = edge;
    if (!user.meta.quantizationAnnotation!.allowImplicitSharing) return;
    const spec = this.#rootSpec(edge);
    const sameTensor = producer.users
      .filter((other) => other !== user)
      .map((other) => [producer, other] as const);
    for (const place of [...sameTensor, producer])
      if (this.#specs.has(place) && specsAgree(this.#rootSpec(place), spec)) this.#unite(place, edge);
  }

  /** Follows shared specifications to one that has parameters of its own. */
  #rootSpec(place: EdgeOrNode): RootSpec | null {
    const passed = new Set<string>();
    let at = place;
    for (;;) {
      const spec = this.#specs.get(at) ?? null;
      if (!(spec instanceof SharedQuantizationSpec)) return spec;
      this.#checkAnnotated(spec.edgeOrNode, at);
      if (passed.has(placeKey(at)))
        throw new Error(`${placeKey(place)} shares its parameters in a circle: ${[...passed].join(', ')}`);
      passed.add(placeKey(at));
      at = spec.edgeOrNode;
    }
  }

  #checkAnnotated(shared: EdgeOrNode, by: EdgeOrNode): void {
    if (!this.#specs.has(shared))
      throw new Error(`${placeKey(by)} shares the parameters of ${placeKey(shared)}, which is not annotated`);
  }

  #unite(parent: EdgeOrNode, child: EdgeOrNode): void {
    this.#sets.get(child)!.join(this.#sets.get(parent)!);
  }

  groups(): SharingGroup[] {
    const members = new Map<DisjointSet, EdgeOrNode[]>();
    for (const [place] of this.#specs.entries()) {
      const { root } = this.#sets.get(place)!;
      members.set(root, [...(members.get(root) ?? []), place]);
    }
    return [...members.values()].map((places) => ({ places, spec: this.#rootSpec(places[0]) }));
  }
}

function derivedAlike(a: DerivedQuantizationSpec, b: DerivedQuantizationSpec): boolean {
  const sources = ({ derivedFrom }: DerivedQuantizationSpec) => derivedFrom.map(placeKey).join();
  return a.deriveQparamsFn === b.deriveQparamsFn && sources(a) === sources(b);
}

const comparedFields = [
  'dtype',
  'isDynamic',
  'quantMin',
  'quantMax',
  'qscheme',
  'chAxis',
  'scale',
  'zeroPoint',
] as const;

type Fields = Partial<Record<(typeof comparedFields)[number], unknown>>;

/**
 * Whether two specifications give the same parameters for the same tensor (PyTorch's `_has_same_attr` on all fields).
 * Derived ones also must derive alike, which PyTorch does not ask: two layers' common bias has a scale for each.
 */
function specsAgree(a: RootSpec | null, b: RootSpec | null): boolean {
  if (a === null || b === null) return a === b;
  if (a instanceof DerivedQuantizationSpec !== b instanceof DerivedQuantizationSpec) return false;
  if (a instanceof DerivedQuantizationSpec && b instanceof DerivedQuantizationSpec && !derivedAlike(a, b))
    return false;
  return comparedFields.every(
    (field) => field in a === field in b && (a as Fields)[field] === (b as Fields)[field],
  );
}
