import { operators } from '../../../lib/aten/index.ts';
import type { OnnxOpset } from '../../../lib/capture/onnx/writer/dtypes.ts';
import {
  type Argument,
  GET_ITEM,
  type GraphModule,
  inferCall,
  type MetaValue,
  type Node,
} from '../../../lib/graph/index.ts';
import { type DType, isFloatingPoint, numelOf, Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, random, uniform } from '../../support/graph-builder.ts';

/** Writes the graph of a case, and keeps what it is run with. */
export class CaseBuilder extends GraphBuilder {
  readonly inputs: Tensor[] = [];
  readonly targets = new Set<string>();

  /** An input of random values between two numbers, both included for integers. */
  x(shape: readonly number[], low = -2, high = 2, dtype: DType = 'float32'): Node {
    const seed = this.inputs.length + 1;
    const values = isFloatingPoint(dtype)
      ? uniform(shape, low, high, seed).toArray()
      : integers(shape, low, high, seed);
    return this.given(Tensor.from(dtype, values, shape));
  }

  /** An input of these values. */
  given(tensor: Tensor): Node {
    this.inputs.push(tensor);
    return this.input(`x${this.inputs.length}`, tensor.shape, tensor.dtype);
  }

  of(dtype: DType, values: readonly number[], shape: readonly number[] = [values.length]): Node {
    return this.given(Tensor.from(dtype, values, shape));
  }

  override call(target: string, ...args: readonly Argument[]): Node {
    return this.with(target, args, {});
  }

  /** A call with arguments by name. */
  with(target: string, args: readonly Argument[], kwargs: Readonly<Record<string, Argument>>): Node {
    this.targets.add(target);
    const node = this.graph.callFunction(target, args, kwargs);
    if (target !== GET_ITEM) {
      const metaOf = (input: Node): MetaValue => {
        const { op, target: path } = input;
        return op === 'get_attr' ? this.module.attribute(path) : (input.meta.val as MetaValue);
      };
      node.meta.val = inferCall(operators, target, args, kwargs, metaOf, new Map());
    }
    return node;
  }

  /** The results of a call of several. */
  results(target: string, ...args: readonly Argument[]): Node[] {
    const node = this.call(target, ...args);
    const metas = node.meta.val as readonly unknown[];
    return metas.map((_, i) => {
      const item = this.graph.callFunction(GET_ITEM, [node, i]);
      item.meta.val = (node.meta.val as MetaValue[])[i];
      return item;
    });
  }
}

function integers(shape: readonly number[], low: number, high: number, seed: number): number[] {
  const next = random(seed);
  return Array.from({ length: numelOf(shape) }, () => low + Math.floor((high - low + 1) * next()));
}

/** How a case is to come out where that is not the usual. */
export interface CaseOptions {
  /** Relative to the largest number of the result; 1e-5 where it is left out: two libraries that round differently. */
  readonly tolerance?: number;
  /** What exportOnnx says for an operator set. */
  readonly refused?: Partial<Readonly<Record<OnnxOpset, RegExp>>>;
  /** Operator sets for which ONNX Runtime has no kernel; the file is read by Octavo alone. */
  readonly withoutRuntime?: readonly OnnxOpset[];
}

export type Case = readonly [
  name: string,
  build: (b: CaseBuilder) => Node | readonly Node[],
  options?: CaseOptions | undefined,
];

/** The graph of a case, its inputs, and the operators that it calls. */
export function built([, build]: Case): {
  module: GraphModule;
  inputs: readonly Tensor[];
  targets: ReadonlySet<string>;
} {
  const b = new CaseBuilder();
  const returned = build(b);
  const outputs = Array.isArray(returned) ? (returned as readonly Node[]) : [returned as Node];
  return { module: b.finish(...outputs), inputs: b.inputs, targets: b.targets };
}

/** A case for each of these operators of one input. */
export const ofOne = (
  names: readonly string[],
  build: (b: CaseBuilder, target: string) => Node | readonly Node[],
  options?: CaseOptions | undefined,
): readonly Case[] => names.map((name) => [name, (b) => build(b, `aten.${name}`), options]);
