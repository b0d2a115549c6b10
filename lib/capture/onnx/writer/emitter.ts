import { normalizeAxis } from '../../../aten/index.ts';
import type { Arguments, Dim, TensorMeta } from '../../../graph/index.ts';
import { Tensor } from '../../../tensor/index.ts';
import { type OnnxAttributeValue, OnnxFloat, type OnnxGraphBuilder } from './graph-builder.ts';

/** A tensor of the graph under its ONNX name. */
export interface OnnxValue extends TensorMeta {
  readonly name: string;
  /** The elements, if known: parameters and buffers. */
  readonly constant?: Tensor;
  /** The scales by which the value was dequantized: one, or one per channel. */
  readonly scales?: Float32Array;
  /** For a scale chosen at run time: the name of the tensor it was chosen for, and that tensor's integers. */
  readonly quantized?: { readonly input: string; readonly integers: OnnxValue };
}

/** Writes one operator: adds ONNX nodes through the call and returns its result or results. */
export type OnnxEmitter = (call: OnnxCall) => OnnxValue | readonly OnnxValue[];

/** One operator call that is being written as ONNX nodes. */
export class OnnxCall {
  readonly args: Arguments<OnnxValue>;
  /** Dtype and shape of the result, or of the first of several. */
  readonly meta: TensorMeta;
  readonly #name: string;
  readonly #builder: OnnxGraphBuilder;

  constructor(builder: OnnxGraphBuilder, name: string, args: Arguments<OnnxValue>, meta: TensorMeta) {
    this.#builder = builder;
    this.#name = name;
    this.args = args;
    this.meta = meta;
  }

  /** Adds the node whose output is the call's result. */
  result(
    opType: string,
    inputs: readonly (OnnxValue | null)[],
    attributes: Readonly<Record<string, OnnxAttributeValue>> = {},
  ): OnnxValue {
    return { ...this.meta, name: this.#add(opType, inputs, attributes, this.#name) };
  }

  /** Adds a node with several outputs, given by name with their metas. */
  results(
    opType: string,
    inputs: readonly OnnxValue[],
    outputs: Readonly<Record<string, TensorMeta>>,
  ): OnnxValue[] {
    const values = Object.entries(outputs).map(([suffix, meta]): OnnxValue => {
      return { ...meta, name: `${this.#name}/${suffix}` };
    });
    const [first, ...others] = values.map(({ name }) => name);
    this.#builder.node(
      opType,
      inputs.map(({ name }) => name),
      {},
      first,
      ...others,
    );
    return values;
  }

  /** Adds a node for an intermediate value. `meta` describes the value; by default it is the call's own meta. */
  intermediate(
    suffix: string,
    opType: string,
    inputs: readonly (OnnxValue | null)[],
    attributes: Readonly<Record<string, OnnxAttributeValue>> = {},
    meta: TensorMeta = this.meta,
  ): OnnxValue {
    const { dtype, shape } = meta;
    return { dtype, shape, name: this.#add(opType, inputs, attributes, `${this.#name}/${suffix}`) };
  }

  /** Adds a constant that belongs to this call. */
  constant(suffix: string, tensor: Tensor): OnnxValue {
    const name = this.#builder.initializer(`${this.#name}/${suffix}`, tensor);
    return { name, dtype: tensor.dtype, shape: tensor.shape, constant: tensor };
  }

  /** An axis of `x`, with a negative axis counted from the end. */
  axis(axis: number, x: OnnxValue): number {
    return normalizeAxis(axis, x.shape.length, this.args.schema.name);
  }

  /** A scalar float constant. */
  scalar(suffix: string, value: number): OnnxValue {
    return this.constant(suffix, Tensor.scalar('float32', value));
  }

  /** Axes, sizes and the like, which ONNX expects as int64 tensors. */
  integers(suffix: string, values: readonly number[]): OnnxValue {
    return this.constant(suffix, Tensor.from('int64', values));
  }

  #add(
    opType: string,
    inputs: readonly (OnnxValue | null)[],
    attributes: Readonly<Record<string, OnnxAttributeValue>>,
    output: string,
  ): string {
    const last = inputs.findLastIndex((input) => input !== null);
    const names = inputs.slice(0, last + 1).map((input) => input?.name ?? '');
    return this.#builder.node(opType, names, attributes, output);
  }
}

/** An attribute of ONNX type `float`. */
export function float(value: number): OnnxFloat {
  return new OnnxFloat(value);
}

/** The sizes of the spatial axes. @throws Error when one is symbolic. */
export function spatialSizes(shape: readonly Dim[], what: string): number[] {
  return shape.slice(2).map((size) => {
    if (typeof size !== 'number')
      throw new Error(`${what} needs image sizes known at export, got [${shape}]`);
    return size;
  });
}
