import { operators } from '../../../aten/index.ts';
import {
  bindCall,
  type Dim,
  GET_ITEM,
  type GraphModule,
  isTensorMeta,
  type MetaValue,
  mapArgument,
  type Node,
  pickItem,
  propagateShapes,
  type TensorMeta,
  tensorMeta,
} from '../../../graph/index.ts';
import { encodeOnnxModel, type OnnxModel } from '../schema.ts';
import { OnnxCall, type OnnxValue } from './emitter.ts';
import { emitterOf } from './emitters/index.ts';
import { OnnxGraphBuilder, valueInfo } from './graph-builder.ts';

/** ONNX has Gelu since operator set 20; all other operators here are older. */
const operatorSet = 20;
/** The file version that was introduced with operator set 20. */
const irVersion = 9;

/**
 * Writes a graph as an ONNX model (counterpart: `torch.onnx.export`). A float graph becomes float ONNX. A graph from
 * `convertPt2e` becomes QDQ ONNX: `QuantizeLinear`/`DequantizeLinear` pairs around float operators, int8 weights with a
 * scale per channel, int32 biases, from which ONNX Runtime and others make int8 kernels. Dynamic quantization, of uint8
 * from 0 to 255, becomes `DynamicQuantizeLinear`. Symbolic sizes, such as the batch, stay symbolic. Lowered graphs
 * (`onednn.*`) have no ONNX form: export before `lower`.
 *
 * @returns the bytes of a `.onnx` file, operator set 20.
 * @throws Error that lists every operator that cannot be written, with its count and a node.
 */
export function exportOnnx(module: GraphModule): Uint8Array {
  return encodeOnnxModel(new Exporter(module).model());
}

/** What a node of the graph was written as. */
type OnnxResult = OnnxValue | readonly OnnxValue[] | Dim;

class Exporter {
  readonly #module: GraphModule;
  readonly #metas: ReadonlyMap<Node, MetaValue>;
  readonly #builder = new OnnxGraphBuilder();
  /** Tensors, lists of them, and sizes that host operators compute. */
  readonly #values = new Map<Node, OnnxResult>();

  constructor(module: GraphModule) {
    this.#module = module;
    assertSupported(module);
    const inputs = module.graph.placeholders.map((node) => inputMeta(node));
    this.#metas = propagateShapes(module, inputs, operators);
  }

  model(): OnnxModel {
    const { graph } = this.#module;
    for (const node of graph.nodes) if (node.op !== 'output') this.#values.set(node, this.#emit(node));
    const outputs = this.#outputs(graph.outputNode);
    return {
      irVersion,
      producerName: 'octavo',
      opsetImport: [{ domain: '', version: operatorSet }],
      graph: {
        name: 'octavo',
        node: this.#builder.nodes,
        initializer: this.#builder.initializers,
        input: graph.placeholders.map((node) => {
          const { dtype, shape } = inputMeta(node);
          return valueInfo(node.name, dtype, shape);
        }),
        output: outputs.map(({ name, dtype, shape }) => valueInfo(name, dtype, shape)),
      },
    };
  }

  #emit(node: Node): OnnxResult {
    const meta = this.#metas.get(node)!;
    if (node.op === 'placeholder') return { ...(meta as TensorMeta), name: node.name };
    if (node.op === 'get_attr') return this.#parameter(node);
    if (node.target === GET_ITEM) return pickItem(node, this.#values.get(node.args[0] as Node));
    const [first] = Array.isArray(meta) ? (meta as readonly TensorMeta[]) : [meta];
    if (!isTensorMeta(first)) return meta as Dim;
    const { schema } = operators.get(node.target);
    const args = bindCall<OnnxValue>(schema, node.args, node.kwargs, (input) => this.#values.get(input));
    try {
      return emitterOf(node.target)!(new OnnxCall(this.#builder, node.name, args, first));
    } catch (error) {
      throw new Error(
        `node '${node.name}' (${node.target}) cannot be written as ONNX: ${(error as Error).message}`,
        {
          cause: error,
        },
      );
    }
  }

  /** A parameter's path contains a dot and a node's name does not, so the two never clash. */
  #parameter(node: Node): OnnxValue {
    const tensor = this.#module.attribute(node.target);
    const name = this.#builder.initializer(node.target.includes('.') ? node.target : node.name, tensor);
    return { name, dtype: tensor.dtype, shape: tensor.shape, constant: tensor };
  }

  /** A value can be an output only once, and not if it is an input. Copies are written in these cases. */
  #outputs(output: Node): OnnxValue[] {
    const returned = mapArgument(output.args[0], (node) => this.#values.get(node) as OnnxValue);
    const taken = new Set(this.#module.graph.placeholders.map((node) => node.name));
    return (Array.isArray(returned) ? returned : [returned]).map((value: OnnxValue, index) => {
      const isFree = !taken.has(value.name) && !value.constant;
      const name = isFree ? value.name : this.#builder.node('Identity', [value.name], {}, `output/${index}`);
      taken.add(name);
      return { ...value, name };
    });
  }
}

function inputMeta(node: Node): TensorMeta {
  const meta = tensorMeta(node);
  if (!meta)
    throw new Error(`input '${node.name}' has no dtype and shape: trace the model with example inputs`);
  return meta;
}

/** Whether an operator computes a size. ONNX needs none of them: it has the shapes they are used for. */
const isSize = (target: string): boolean =>
  operators.has(target) && 'host' in operators.get(target).definition;

function assertSupported(module: GraphModule): void {
  const missing = new Map<string, Node[]>();
  for (const node of module.graph.nodes) {
    const isCall = node.op === 'call_function' || node.op === 'call_module';
    if (
      !isCall ||
      node.target === GET_ITEM ||
      (node.op === 'call_function' && (isSize(node.target) || emitterOf(node.target)))
    )
      continue;
    const target = node.op === 'call_module' ? 'observer or module' : node.target;
    missing.set(target, [...(missing.get(target) ?? []), node]);
  }
  if (missing.size === 0) return;
  const list = [...missing].map(([target, nodes]) => `  ${target}: ${nodes.length} (first: ${nodes[0]})`);
  throw new Error(`these operators cannot be written as ONNX:\n${list.join('\n')}`);
}
