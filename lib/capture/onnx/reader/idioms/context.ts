import { operators } from '../../../../aten/index.ts';
import {
  type Argument,
  type Dim,
  dimsEqual,
  type GraphModule,
  inferNode,
  isCall,
  type MetaValue,
  Node,
  tensorMeta,
} from '../../../../graph/index.ts';
import type { Tensor } from '../../../../tensor/index.ts';

/** Finds one idiom that ends at a node, and replaces it. Says whether it did. */
export type Idiom = (context: IdiomContext, node: Node) => boolean;

/** The graph in which idioms are looked for. */
export class IdiomContext {
  readonly module: GraphModule;

  constructor(module: GraphModule) {
    this.module = module;
  }

  shape(node: Node): readonly Dim[] {
    return tensorMeta(node)?.shape ?? [];
  }

  /** The elements of a constant. */
  constant(node: Argument | undefined): Tensor | undefined {
    return node instanceof Node && node.op === 'get_attr' ? this.module.attribute(node.target) : undefined;
  }

  /** Adds a constant before a node; `path` is a wish. */
  addConstant(before: Node, path: string, tensor: Tensor): Node {
    const { graph, attributes } = this.module;
    const target = this.module.unusedAttribute(path);
    attributes.set(target, tensor);
    const node = graph.insertingBefore(before, () => graph.getAttr(target));
    node.meta.val = { dtype: tensor.dtype, shape: tensor.shape };
    return node;
  }

  /** Adds a call before a node. */
  add(
    before: Node,
    target: string,
    args: readonly Argument[],
    kwargs: Readonly<Record<string, Argument>> = {},
  ): Node {
    const { graph, rangeConstraints } = this.module;
    const node = graph.insertingBefore(before, () => graph.callFunction(target, args, kwargs, before.name));
    node.meta = { ...before.meta };
    node.meta.val = inferNode(operators, node, (input) => input.meta.val as MetaValue, rangeConstraints);
    return node;
  }

  /** Puts a call in the place of a node. What is no longer used is removed later. */
  replace(
    node: Node,
    target: string,
    args: readonly Argument[],
    kwargs: Readonly<Record<string, Argument>> = {},
  ): void {
    node.replaceAllUsesWith(this.add(node, target, args, kwargs));
  }
}

/** Both operands of a commutative call, each as the first one once. */
export function bothWays(node: Node): readonly (readonly [Argument, Argument])[] {
  const [a, b] = node.args;
  return [
    [a, b],
    [b, a],
  ];
}

/** What a call of an operator with a number computes with: `x + 3`, with the number on either side. */
export function withNumber(node: Argument | undefined, target: string): readonly [Node, number] | undefined {
  if (!isCall(node, target)) return undefined;
  const [x, number] = node.args;
  return x instanceof Node && typeof number === 'number' ? [x, number] : undefined;
}

/** A tensor multiplied with a number, or divided by one. */
export function scaledBy(node: Argument | undefined): readonly [Node, number] | undefined {
  const product = withNumber(node, 'aten.mul.Tensor');
  if (product) return product;
  const quotient = withNumber(node, 'aten.div.Tensor');
  return quotient && [quotient[0], 1 / quotient[1]];
}

/** Exporters write constants with the digits of float32, or of fewer. */
export const isAbout = (value: number, wanted: number): boolean =>
  Math.abs(value - wanted) <= 1e-4 * Math.abs(wanted);

/** Whether two shapes are the same. */
export const isShape = (shape: readonly Dim[], wanted: readonly Dim[]): boolean =>
  shape.length === wanted.length && shape.every((dim, axis) => dimsEqual(dim, wanted[axis]));
