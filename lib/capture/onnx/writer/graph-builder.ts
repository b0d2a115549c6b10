import type { Dim } from '../../../graph/index.ts';
import type { DType } from '../../../tensor/index.ts';
import { onnxDataTypes } from '../dtype.ts';
import {
  attributeTypes,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxTensor,
  type OnnxValueInfo,
} from '../schema.ts';
import { OnnxValue } from './value.ts';

/** An attribute of an ONNX operator. Whole numbers are written as `int`: wrap floats in {@link OnnxFloat}. */
export type OnnxAttributeValue = number | string | readonly number[] | readonly string[] | OnnxFloat;

export type OnnxAttributes = Readonly<Record<string, OnnxAttributeValue>>;

/** Marks a number as ONNX's `float`. A whole number such as 1 would otherwise be an `int`. */
export class OnnxFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

interface Written {
  readonly opType: string;
  readonly inputs: readonly (OnnxValue | null)[];
  readonly outputs: readonly OnnxValue[];
  readonly attributes: OnnxAttributes;
}

/** A value under the name that callers know it by. */
export interface NamedValue {
  readonly name: string;
  readonly value: OnnxValue;
}

/** Collects the nodes of one ONNX graph. */
export class OnnxGraphBuilder {
  readonly #nodes: Written[] = [];
  readonly #made = new Set<OnnxValue>();

  /** Adds a node. A null input is left out. */
  node(
    opType: string,
    inputs: readonly (OnnxValue | null)[],
    outputs: readonly OnnxValue[],
    attributes: OnnxAttributes = {},
  ): void {
    const last = inputs.findLastIndex((input) => input !== null);
    this.#nodes.push({ opType, inputs: inputs.slice(0, last + 1), outputs, attributes });
    for (const output of outputs) this.#made.add(output);
  }

  /** Whether a node returns the value: it is neither an input nor a constant. */
  makes(value: OnnxValue): boolean {
    return this.#made.has(value);
  }

  /** The graph of what the outputs need. */
  graph(inputs: readonly NamedValue[], outputs: readonly NamedValue[]): OnnxModel['graph'] {
    const results = this.#uniqueOutputs(inputs, outputs);
    const nodes = this.#needed(results.map(({ value }) => value));
    const names = new Names([...inputs, ...results]);
    const initializers = new Map<string, OnnxTensor>();
    const node = nodes.map(({ opType, inputs: read, outputs: made, attributes }) => {
      const input = read.map((value) => {
        if (!value) return '';
        const name = names.of(value);
        if (value.constant) initializers.set(name, initializer(name, value));
        return name;
      });
      const output = made.map((value) => names.of(value));
      const attribute = Object.entries(attributes).map(([name, value]) => encodeAttribute(name, value));
      return { name: output[0], opType, input, output, attribute };
    });
    const ends = new Set(results.map(({ value }) => value));
    const between = nodes
      .flatMap(({ outputs: made }) => made)
      .filter((value) => value.isSettled && !ends.has(value));
    return {
      name: 'octavo',
      node,
      initializer: [...initializers.values()],
      input: inputs.map(({ name, value }) => valueInfo(name, value.dtype, value.shape)),
      output: results.map(({ name, value }) => valueInfo(name, value.dtype, value.shape)),
      valueInfo: between.map((value) => valueInfo(names.of(value), value.dtype, value.shape)),
    };
  }

  /** A value can be an output only once, and not if it is an input or a constant: then it is copied. */
  #uniqueOutputs(inputs: readonly NamedValue[], outputs: readonly NamedValue[]): readonly NamedValue[] {
    const taken = new Set(inputs.map(({ value }) => value));
    return outputs.map(({ name, value }) => {
      const isFree = !value.constant && !taken.has(value);
      const own = isFree ? value : new OnnxValue(value, name);
      if (!isFree) this.node('Identity', [value], [own]);
      taken.add(own);
      return { name, value: own };
    });
  }

  /** The nodes that lead to these values. */
  #needed(values: readonly OnnxValue[]): readonly Written[] {
    const needed = new Set(values);
    const kept = this.#nodes.toReversed().filter(({ inputs, outputs }) => {
      const isNeeded = outputs.some((value) => needed.has(value));
      if (isNeeded) for (const input of inputs) if (input) needed.add(input);
      return isNeeded;
    });
    return kept.reverse();
  }
}

/** Names of values: each its wish, with a number where that is taken. */
class Names {
  readonly #names = new Map<OnnxValue, string>();
  readonly #taken = new Set<string>();
  readonly #numbers = new Map<string, number>();

  constructor(given: readonly NamedValue[]) {
    for (const { name, value } of given) {
      this.#names.set(value, name);
      this.#taken.add(name);
    }
  }

  of(value: OnnxValue): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    let [name, number] = [value.wish, this.#numbers.get(value.wish) ?? 0];
    while (this.#taken.has(name)) name = `${value.wish}_${++number}`;
    this.#numbers.set(value.wish, number);
    this.#names.set(value, name);
    this.#taken.add(name);
    return name;
  }
}

function initializer(name: string, { constant }: OnnxValue): OnnxTensor {
  const { dtype, shape } = constant!;
  return { name, dataType: onnxDataTypes[dtype], dims: shape, rawData: constant!.bytes() };
}

/** Name, dtype and shape of a graph's input or output; symbolic sizes become named dimensions. */
function valueInfo(name: string, dtype: DType, shape: readonly Dim[]): OnnxValueInfo {
  const dim = shape.map((extent) =>
    typeof extent === 'number' ? { dimValue: extent } : { dimParam: String(extent) },
  );
  return { name, type: { tensorType: { elemType: onnxDataTypes[dtype], shape: { dim } } } };
}

function encodeAttribute(name: string, value: OnnxAttributeValue): OnnxAttribute {
  const encode = (text: string) => new TextEncoder().encode(text);
  if (value instanceof OnnxFloat) return { name, type: attributeTypes.float, f: value.value };
  if (typeof value === 'number') return { name, type: attributeTypes.int, i: value };
  if (typeof value === 'string') return { name, type: attributeTypes.string, s: encode(value) };
  if (typeof value[0] === 'string')
    return { name, type: attributeTypes.strings, strings: value.map((each) => encode(String(each))) };
  return { name, type: attributeTypes.ints, ints: value as readonly number[] };
}
