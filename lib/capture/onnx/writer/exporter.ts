import { operators } from '../../../aten/index.ts';
import {
  bindCall,
  type Dim,
  GET_ITEM,
  GraphModule,
  isTensorMeta,
  type MetaValue,
  mapArgument,
  type Node,
  pickItem,
  propagateShapes,
  type TensorMeta,
  tensorMeta,
} from '../../../graph/index.ts';
import { checkOptions, type OptionNames } from '../../../options.ts';
import { refuseTrainingMode } from '../../../transforms/training-mode.ts';
import { encodeOnnxModel, type OnnxModel } from '../schema.ts';
import { OnnxCall, type OnnxTarget } from './call.ts';
import type { OnnxOpset } from './dtypes.ts';
import { emitterOf } from './emitters/index.ts';
import { type NamedValue, OnnxGraphBuilder } from './graph-builder.ts';
import { SizeWriter } from './sizes.ts';
import { OnnxValue } from './value.ts';

/** How {@link exportOnnx} writes a graph. */
export interface ExportOnnxOptions {
  /**
   * The operator set, 21 by default. 13 is for older runtimes: what it lacks is spelled out (`LayerNormalization`, `Gelu`,
   * `HardSwish`, `GroupNormalization`), and what cannot be spelled out is an Error (`GridSample`, sums written to
   * positions, operations on bits, quantization to 16 bits).
   */
  readonly opset?: 13 | 21;
}

const exportOnnxOptions: OptionNames<ExportOnnxOptions> = { opset: true };

/** The version of the file format that came with each operator set. */
const irVersions: Readonly<Record<OnnxOpset, number>> = { 13: 7, 21: 10 };

/**
 * Writes a graph as an ONNX model (counterpart: `torch.onnx.export`). A float graph becomes float ONNX. A graph from
 * `convertPt2e` becomes QDQ ONNX: `QuantizeLinear`/`DequantizeLinear` pairs around float operators, int8 weights with a
 * scale per channel, int32 biases, from which ONNX Runtime and others make int8 kernels. Dynamic quantization, of uint8
 * from 0 to 255, becomes `DynamicQuantizeLinear`. Inputs and outputs keep their names, sizes that requests choose stay
 * symbolic, and {@link loadOnnx} makes the same graph of the file; `docs/onnx.md` lists the operators and what ONNX cannot
 * say. Lowered graphs (`onednn.*`) have no ONNX form: export before `lower`.
 *
 * @returns the bytes of a `.onnx` file.
 * @throws Error that lists every operator that cannot be written, with its count and a node; or that names the node, its
 * operator and what about it ONNX does not have; or an unknown option.
 * @example
 * await writeFile('model.onnx', exportOnnx(await loadPt2('model.pt2'), { opset: 13 }));
 */
export function exportOnnx(module: GraphModule, options: ExportOnnxOptions = {}): Uint8Array {
  refuseTrainingMode(GraphModule.accept(module, 'exportOnnx'), 'exportOnnx');
  checkOptions(options, exportOnnxOptions, 'exportOnnx');
  const { opset = 21 } = options;
  if (!Object.hasOwn(irVersions, opset))
    throw new Error(`exportOnnx: the option 'opset' must be 13 or 21, got ${String(opset)}`);
  return encodeOnnxModel(new Exporter(module, opset).model());
}

/** What a node of the graph was written as: tensors, lists of them, or a size. */
type Written = OnnxValue | readonly OnnxValue[] | Dim;

class Exporter {
  readonly #module: GraphModule;
  readonly #metas: ReadonlyMap<Node, MetaValue>;
  readonly #target: OnnxTarget;
  readonly #values = new Map<Node, Written>();

  constructor(module: GraphModule, opset: OnnxOpset) {
    assertSupported(module);
    this.#module = module;
    const inputs = module.graph.placeholders.map((node) => inputMeta(node));
    this.#metas = propagateShapes(module, inputs, operators);
    const builder = new OnnxGraphBuilder();
    this.#target = { builder, sizes: new SizeWriter(builder), opset };
  }

  model(): OnnxModel {
    const { graph } = this.#module;
    for (const node of graph.nodes) {
      if (node.op === 'output') continue;
      const value = this.#emit(node);
      this.#values.set(node, value);
      if (value instanceof OnnxValue) this.#target.sizes.learnFrom(value);
    }
    const inputs = graph.placeholders.map((node) => ({
      name: node.target,
      value: this.#values.get(node) as OnnxValue,
    }));
    return {
      irVersion: irVersions[this.#target.opset],
      producerName: 'octavo',
      opsetImport: [{ domain: '', version: this.#target.opset }],
      graph: this.#target.builder.graph(inputs, this.#outputs(graph.outputNode)),
    };
  }

  #emit(node: Node): Written {
    const meta = this.#metas.get(node)!;
    if (node.op === 'placeholder') return new OnnxValue(meta as TensorMeta, node.target);
    if (node.op === 'get_attr') {
      const constant = this.#module.attribute(node.target);
      return new OnnxValue(constant, node.target, { constant });
    }
    if (node.target === GET_ITEM) return pickItem<OnnxValue>(node, this.#values.get(node.args[0] as Node));
    try {
      return this.#call(node, meta);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`node '${node.name}' (${node.target}) cannot be written as ONNX: ${message}`, {
        cause: error,
      });
    }
  }

  #call(node: Node, meta: MetaValue): Written {
    const { schema } = operators.get(node.target);
    const args = bindCall<OnnxValue>(schema, node.args, node.kwargs, (input) => this.#values.get(input));
    const metas = (Array.isArray(meta) ? meta : [meta]) as readonly TensorMeta[];
    if (!metas.every(isTensorMeta)) {
      const sizes = schema.arguments.map(({ name }) => args.raw(name) as Dim);
      this.#target.sizes.learnResult(node.target, sizes, meta as Dim);
      return meta as Dim;
    }
    const call = new OnnxCall(this.#target, node.name, args, metas);
    return call.finish(emitterOf(node.target)!(call));
  }

  #outputs({ args, meta }: Node): readonly NamedValue[] {
    const returned = mapArgument(args[0], (node) => this.#values.get(node) as OnnxValue);
    const values = (Array.isArray(returned) ? returned : [returned]) as readonly OnnxValue[];
    return values.map((value, i) => ({ name: meta.outputNames?.[i] ?? `output_${i}`, value }));
  }
}

function inputMeta(node: Node): TensorMeta {
  const meta = tensorMeta(node);
  if (!meta)
    throw new Error(`input '${node.name}' has no dtype and shape: trace the model with example inputs`);
  return meta;
}

/** Whether an operator computes a size: such operators are written where a shape needs the size. */
const isSize = (target: string): boolean =>
  /^(aten\.(sym_|_assert_scalar)|math\.|operator\.|torch\.sym_)/.test(target) && operators.has(target);

const isWritten = (target: string): boolean =>
  target === GET_ITEM || isSize(target) || emitterOf(target) !== undefined;

function assertSupported(module: GraphModule): void {
  const missing = new Map<string, Node[]>();
  for (const node of module.graph.nodes) {
    const isCall = node.op === 'call_function' || node.op === 'call_module';
    if (!isCall || (node.op === 'call_function' && isWritten(node.target))) continue;
    const target = node.op === 'call_module' ? 'observer or module' : node.target;
    missing.set(target, [...(missing.get(target) ?? []), node]);
  }
  if (missing.size === 0) return;
  const list = [...missing].map(([target, nodes]) => `  ${target}: ${nodes.length} (first: ${nodes[0]})`);
  throw new Error(`these operators cannot be written as ONNX:\n${list.join('\n')}`);
}
