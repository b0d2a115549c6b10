import { type Node, tensorMeta } from '../graph/index.ts';
import { isFloatingPoint } from '../tensor/index.ts';
import type { QuantizationSpecBase } from './specs.ts';

/** Arguments of {@link QuantizationAnnotation}. */
export interface QuantizationAnnotationArgs {
  readonly inputQspecMap?: Iterable<readonly [Node, QuantizationSpecBase | null]>;
  readonly outputQspec?: QuantizationSpecBase | null;
  readonly allowImplicitSharing?: boolean;
  readonly annotated?: boolean;
}

/**
 * How a quantizer wants a node's inputs and output quantized (counterpart:
 * `torch.ao.quantization.quantizer.QuantizationAnnotation`). Stored in `node.meta.quantizationAnnotation`.
 */
export class QuantizationAnnotation {
  /** By input node; null leaves that input in floating point. */
  readonly inputQspecMap: Map<Node, QuantizationSpecBase | null>;
  outputQspec: QuantizationSpecBase | null;
  /** Whether inputs may share an observer with other places of the same tensor. */
  allowImplicitSharing: boolean;
  /** Whether a quantizer has decided about this node, even if it decided not to quantize it (PyTorch: `_annotated`). */
  annotated: boolean;

  constructor(args: QuantizationAnnotationArgs = {}) {
    this.inputQspecMap = new Map(args.inputQspecMap ?? []);
    this.outputQspec = args.outputQspec ?? null;
    this.allowImplicitSharing = args.allowImplicitSharing ?? true;
    this.annotated = args.annotated ?? false;
  }

  /** Whether the annotation requests nothing. */
  get isEmpty(): boolean {
    return this.inputQspecMap.size === 0 && this.outputQspec === null;
  }
}

/** Whether a node's value is floating point, or of unknown dtype. Only such values are quantized. */
export function isReal(node: Node): boolean {
  const meta = tensorMeta(node);
  return !meta || isFloatingPoint(meta.dtype);
}

declare module '../graph/node.ts' {
  interface NodeMeta {
    /** The quantizer's decision for this node. */
    quantizationAnnotation?: QuantizationAnnotation;
    /** Copied to the quantize and dequantize nodes around this node (PyTorch: `quantization_tag`). */
    quantizationTag?: string;
  }
}
