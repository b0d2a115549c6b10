import { operators } from '../aten/index.ts';
import {
  Arguments,
  bindCall,
  type Dim,
  dimsEqual,
  GET_ITEM,
  type GraphModule,
  isArgumentList,
  isTensorMeta,
  type MetaValue,
  Node,
  propagateShapes,
  SymInt,
  type TensorMeta,
} from '../graph/index.ts';

/**
 * Whether a batch can be computed in parts: all inputs and outputs hold one sample at each index of their first extent,
 * and a sample's results depend on that sample alone. False if the batch's size is fixed, or if a value is computed
 * over all samples, such as the scales of dynamic quantization.
 * @param inputs the placeholders' dtypes and shapes, with symbols for sizes that requests choose.
 */
export function keepsSamplesApart(module: GraphModule, inputs: readonly TensorMeta[]): boolean {
  const [first] = inputs[0]?.shape ?? [];
  if (!(first instanceof SymInt) || !/^\w+$/.test(String(first))) return false;
  if (!inputs.every(({ shape: [batch] }) => batch !== undefined && dimsEqual(batch, first))) return false;
  return new SampleTracing(module, inputs, String(first)).allApart();
}

/** Operators whose results hold the same for every sample, as many times as the batch has samples. */
const repeating: ReadonlySet<string> = new Set([
  ...['aten.expand.default', 'aten.empty.memory_format'],
  ...['zeros', 'ones', 'full', 'new_zeros', 'new_ones', 'new_full', 'new_empty'].map(
    (name) => `aten.${name}.default`,
  ),
]);

/** Follows the samples through a graph. */
class SampleTracing {
  readonly #module: GraphModule;
  readonly #metas: ReadonlyMap<Node, MetaValue>;
  readonly #batch: string;
  /** Nodes whose tensors hold samples along their first extent, or several consecutive rows for each sample. */
  readonly #batched = new Set<Node>();

  constructor(module: GraphModule, inputs: readonly TensorMeta[], batch: string) {
    this.#module = module;
    this.#metas = propagateShapes(module, inputs, operators);
    this.#batch = batch;
  }

  allApart(): boolean {
    for (const node of this.#module.graph.nodes) {
      if (node.op === 'output') return this.#allResultsApart(node);
      const tensors = tensorsOf(this.#metas.get(node)!);
      const sources = node.allInputNodes.filter((input) => this.#batched.has(input));
      const mentioned = tensors.some(({ shape }) => shape.some((dim) => this.#mentions(dim)));
      if (this.#dependsOnSize(node)) return false;
      if (sources.length === 0 && !mentioned) continue;
      if (tensors.length > 0) {
        if (!tensors.every((tensor) => this.#holdsSamples(tensor))) return false;
        if (node.op === 'call_function' && !this.#isApart(node, sources.length > 0)) return false;
        this.#batched.add(node);
      }
    }
    return false;
  }

  #allResultsApart({ args: [returned] }: Node): boolean {
    return (isArgumentList(returned) ? returned : [returned]).every(
      (result) =>
        result instanceof Node &&
        this.#batched.has(result) &&
        tensorsOf(this.#metas.get(result)!).every(({ shape }) => String(shape[0]) === this.#batch),
    );
  }

  /** Whether a call computes the samples of its results from those of its arguments one by one. */
  #isApart(node: Node, hasSamples: boolean): boolean {
    if (node.target === GET_ITEM) return true;
    // A tensor repeated for each sample is the same for each. A part of a table, chosen by the batch's size, is not.
    if (!hasSamples) return repeating.has(node.target);
    const operator = operators.get(node.target);
    const { definition, schema } = operator;
    if ('strided' in definition) {
      const { shape } = this.#metas.get(node.args[0] as Node) as TensorMeta;
      const results = tensorsOf(this.#metas.get(node)!);
      return results.every((result) => dimsEqual(result.shape[0], shape[0]));
    }
    const metaOf = (input: Node) => this.#metas.get(input);
    const may = operator.samplesOf(bindCall<TensorMeta>(schema, node.args, node.kwargs, metaOf));
    const given = Arguments.bind<Node>(schema, node.args, node.kwargs);
    return schema.arguments.every(({ name }) => {
      const nodes = [given.raw(name)].flat().filter((arg) => arg instanceof Node);
      return may.includes(name) || !nodes.some((arg) => this.#batched.has(arg));
    });
  }

  /** Whether a call computes with the batch's size, which differs in a part; shapes may depend on it. */
  #dependsOnSize(node: Node): boolean {
    if (node.op !== 'call_function' || node.target === GET_ITEM || repeating.has(node.target)) return false;
    // A size that depends on another one is checked where it is used in a computation.
    const { definition } = operators.get(node.target);
    if ('view' in definition || 'host' in definition) return false;
    return node.allInputNodes.some((input) => {
      const meta = this.#metas.get(input)!;
      return tensorsOf(meta).length === 0 && this.#mentions(meta as Dim);
    });
  }

  /** Whether the batch is its first extent, or several rows for each sample, and nowhere else. */
  #holdsSamples({ shape: [first, ...rest] }: TensorMeta): boolean {
    return first !== undefined && this.#mentions(first) && !rest.some((dim) => this.#mentions(dim));
  }

  #mentions(dim: Dim): boolean {
    return dim instanceof SymInt && dim.mentions(this.#batch);
  }
}

/** The tensors in a node's result; none if it is a size. */
function tensorsOf(meta: MetaValue): readonly TensorMeta[] {
  return [meta].flat().filter(isTensorMeta);
}
