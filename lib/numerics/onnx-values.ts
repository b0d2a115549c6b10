import { decodeOnnx } from '../capture/onnx/schema.ts';

/** A value that a node of an ONNX model computes. */
export interface OnnxValue {
  readonly name: string;
  /** The node that computes it, as the file names it; empty if it does not. */
  readonly node: string;
  /** `Conv` */
  readonly opType: string;
}

/** What is read here of a model's messages. */
interface Model {
  readonly graph: {
    readonly node: readonly {
      readonly name: string;
      readonly opType: string;
      readonly input: readonly string[];
      readonly output: readonly string[];
    }[];
    readonly input: readonly { readonly name: string }[];
    readonly output: readonly { readonly name: string }[];
    readonly initializer: readonly { readonly name: string }[];
  };
}

/**
 * The values of a model that depend on its inputs, in the order of the file, and the names of those that it returns. Values within the
 * branches of `If` are not among them.
 */
export function valuesOfInputs(model: Uint8Array): {
  readonly values: readonly OnnxValue[];
  readonly returned: ReadonlySet<string>;
} {
  const { graph } = decodeOnnx('ModelProto', model) as Model;
  // Older files list their weights among the inputs.
  const weights = new Set(graph.initializer.map(({ name }) => name));
  const known = new Set(graph.input.map(({ name }) => name).filter((name) => !weights.has(name)));
  const values: OnnxValue[] = [];
  for (const { name: node, opType, input, output } of graph.node) {
    if (!input.some((name) => known.has(name))) continue;
    // Without a name, an optional result is not computed.
    for (const name of output.filter((each) => each !== '')) {
      known.add(name);
      values.push({ name, node, opType });
    }
  }
  return { values, returned: new Set(graph.output.map(({ name }) => name)) };
}
