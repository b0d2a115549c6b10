import { type Node, tensorMeta } from '../../graph/index.ts';
import { isFloatingPoint } from '../../tensor/index.ts';
import { QuantizationAnnotation, type QuantizationAnnotationArgs } from '../annotation.ts';
import {
  getBiasQspec,
  getInputActQspec,
  getWeightQspec,
  type QuantizationConfig,
} from '../quantization-config.ts';
import type { QuantizationSpecBase } from '../specs.ts';

/** An annotation by X86Quantizer (counterpart: `_X86InductorQuantizationAnnotation`). */
export class X86QuantizationAnnotation extends QuantizationAnnotation {
  /** The node is the last of a pattern that runs in int8: its users may take int8 too. */
  readonly isOutputOfQuantizedPattern: boolean;

  constructor(args: QuantizationAnnotationArgs & { readonly isOutputOfQuantizedPattern?: boolean }) {
    super({ annotated: true, ...args });
    this.isOutputOfQuantizedPattern = args.isOutputOfQuantizedPattern ?? false;
  }
}

/** Decides which nodes a configuration is for; it is given the nodes of one pattern. */
export type NodesFilter = (nodes: readonly Node[]) => boolean;

/** A configuration, null to leave nodes in floating point, with the nodes it is for. */
export interface Assignment {
  readonly config: QuantizationConfig | null;
  readonly filter: NodesFilter;
}

/** Whether a quantizer has decided about this node. */
export function isAnnotated(node: Node): boolean {
  return node.meta.quantizationAnnotation?.annotated ?? false;
}

/** Whether a pattern is free, and meant by the configuration (`not _skip_annotate`). */
export function mayAnnotate(nodes: readonly Node[], filter: NodesFilter): boolean {
  return !nodes.some(isAnnotated) && filter(nodes);
}

/** Leaves nodes in floating point for good. */
export function excludeFromQuantization(nodes: readonly Node[]): void {
  for (const node of nodes) node.meta.quantizationAnnotation = new X86QuantizationAnnotation({});
}

/** Whether a node's value comes from a pattern that runs in int8 (`_is_quantized_op_pt2e`). */
export function isQuantizedOutput(node: Node): boolean {
  const annotation = node.meta.quantizationAnnotation;
  return (
    annotation instanceof X86QuantizationAnnotation &&
    annotation.annotated &&
    annotation.isOutputOfQuantizedPattern
  );
}

/** Whether a node gives real numbers, as far as is known: only these are quantized. */
export function isReal(node: Node): boolean {
  const meta = tensorMeta(node);
  return !meta || isFloatingPoint(meta.dtype);
}

/** Annotates a convolution or linear layer: input, weight and bias, as the configuration says. */
export function annotateLayer(
  layer: Node,
  config: QuantizationConfig,
  isOutputOfQuantizedPattern: boolean,
): void {
  const [input, weight, bias] = layer.args as readonly (Node | null | undefined)[];
  const inputQspecMap = new Map<Node, QuantizationSpecBase | null>([
    [input!, getInputActQspec(config)],
    [weight!, getWeightQspec(config)],
  ]);
  if (bias) inputQspecMap.set(bias, getBiasQspec(config));
  layer.meta.quantizationAnnotation = new X86QuantizationAnnotation({
    inputQspecMap,
    isOutputOfQuantizedPattern,
  });
}
