import type { Arguments, Node, NodeBuilder } from '../../graph/index.ts';
import type { DType } from '../../tensor/index.ts';

/** Adds nodes to the graph that the gradients are computed in. */
export interface GradientBuilder extends NodeBuilder {
  /** Gradients are built for known sizes. */
  shape(node: Node): readonly number[];
  dtype(node: Node): DType;
}

/** A call whose gradient is wanted. */
export interface DifferentiatedCall {
  readonly args: Arguments<Node>;
  /** The call itself. */
  readonly result: Node;
  /** The gradient of its result; where it has several, of the first one that anything depends on. */
  readonly grad: Node;
  /** The gradients of its results: undefined where nothing depends on one. */
  readonly grads: readonly (Node | undefined)[];
}

/** The gradient of a tensor argument, or of each tensor in a list. */
export type Gradient = Node | readonly (Node | undefined)[];

/**
 * An operator's gradients by the names of its tensor arguments, as functions: only those that are wanted are built. Arguments
 * that are not named have none: indices, masks, statistics.
 */
export type GradientRule = (
  call: DifferentiatedCall,
  g: GradientBuilder,
) => Readonly<Record<string, () => Gradient>>;

/** Rules by the operators' names. */
export type GradientRules = Readonly<Record<string, GradientRule>>;
