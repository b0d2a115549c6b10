import type { Dim } from '../../../graph/index.ts';
import type { DType, Tensor } from '../../../tensor/index.ts';
import { onnxDataTypes } from '../dtype.ts';
import {
  attributeTypes,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValueInfo,
} from '../schema.ts';

/** An attribute of an ONNX operator. Whole numbers are written as `int`: wrap floats in {@link OnnxFloat}. */
export type OnnxAttributeValue = number | string | readonly number[] | OnnxFloat;

/** Marks a number as ONNX's `float`. A whole number such as 1 would otherwise be an `int`. */
export class OnnxFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Collects the nodes and initializers of one ONNX graph. */
export class OnnxGraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxTensor>();

  /** The constants that nodes use. */
  get initializers(): readonly OnnxTensor[] {
    const used = new Set(this.nodes.flatMap(({ input }) => input));
    return [...this.#initializers.values()].filter(({ name }) => used.has(name));
  }

  /** Adds a node, named like its first output, and returns that name. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttributeValue>>,
    ...outputs: readonly [string, ...string[]]
  ): string {
    this.nodes.push({
      name: outputs[0],
      opType,
      input: inputs,
      output: outputs,
      attribute: Object.entries(attributes).map(([name, value]) => encodeAttribute(name, value)),
    });
    return outputs[0];
  }

  /** Adds a constant unless one of this name exists, and returns its name. */
  initializer(name: string, tensor: Tensor): string {
    if (!this.#initializers.has(name))
      this.#initializers.set(name, {
        name,
        dataType: onnxDataTypes[tensor.dtype],
        dims: tensor.shape,
        rawData: tensor.bytes(),
      });
    return name;
  }
}

/** Name, dtype and shape of a graph's input or output; symbolic sizes become named dimensions. */
export function valueInfo(name: string, dtype: DType, shape: readonly Dim[]): OnnxValueInfo {
  const dim = shape.map((extent) =>
    typeof extent === 'number' ? { dimValue: extent } : { dimParam: String(extent) },
  );
  return { name, type: { tensorType: { elemType: onnxDataTypes[dtype], shape: { dim } } } };
}

function encodeAttribute(name: string, value: OnnxAttributeValue): OnnxAttribute {
  if (value instanceof OnnxFloat) return { name, type: attributeTypes.float, f: value.value };
  if (typeof value === 'number') return { name, type: attributeTypes.int, i: value };
  if (typeof value === 'string')
    return { name, type: attributeTypes.string, s: new TextEncoder().encode(value) };
  return { name, type: attributeTypes.ints, ints: value };
}
