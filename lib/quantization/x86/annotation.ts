import type { Node } from '../../graph/index.ts';
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
  /** Whether the node is the last of a pattern that runs in int8: its users may then read int8, too. */
  readonly isOutputOfQuantizedPattern: boolean;

  constructor(args: QuantizationAnnotationArgs & { readonly isOutputOfQuantizedPattern?: boolean }) {
    super({ annotated: true, ...args });
    this.isOutputOfQuantizedPattern = args.isOutputOfQuantizedPattern ?? false;
  }
}

/** Decides which nodes a configuration applies to. It receives the nodes of one pattern. */
export type NodesFilter = (nodes: readonly Node[]) => boolean;

/** A configuration and the nodes it applies to. Null leaves them in floating point. */
export interface Assignment {
  readonly config: QuantizationConfig | null;
  readonly filter: NodesFilter;
  /** Finds layers by their operator alone, whatever they were traced from. */
  readonly byOperator?: true;
}

/** Whether a quantizer has decided about this node. */
export function isAnnotated(node: Node): boolean {
  return node.meta.quantizationAnnotation?.annotated ?? false;
}

/** Whether a pattern is not annotated yet and the configuration applies to it (`not _skip_annotate`). */
export function mayAnnotate(nodes: readonly Node[], filter: NodesFilter): boolean {
  return !nodes.some(isAnnotated) && filter(nodes);
}

/** Leaves nodes in floating point; later annotations skip them. */
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

/** Annotates a convolution's or linear layer's input, weight and bias as configured. */
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
