import { type Argument, type Dim, dimsEqual, type GraphModule, isCall, Node } from '../../graph/index.ts';
import { getInputActQspec, type QuantizationConfig } from '../quantization-config.ts';
import { type QuantizationSpecBase, SharedQuantizationSpec } from '../specs.ts';
import {
  type Assignment,
  excludeFromQuantization,
  isQuantizedOutput,
  mayAnnotate,
  X86QuantizationAnnotation,
} from './annotation.ts';
import { CAT, FLATTEN, MATMUL, MUL, passThroughOperators, quantizableOperators } from './operators.ts';

/** Annotates both inputs of matrix products, where they are asked for by name or type. */
export function annotateMatmuls(module: GraphModule, { config, filter }: Assignment): void {
  for (const node of module.graph.nodes)
    if (isCall(node, MATMUL) && mayAnnotate([node], filter)) annotateInputs(node, node.allInputNodes, config);
}

/** Annotates both factors of products of two tensors of one shape. */
export function annotateProducts(module: GraphModule, { config, filter }: Assignment): void {
  for (const node of module.graph.nodes) {
    if (!isCall(node, MUL) || !mayAnnotate([node], filter)) continue;
    if (config === null || haveOneShape(node.args)) annotateInputs(node, node.allInputNodes, config);
  }
}

function haveOneShape([a, b]: readonly Argument[]): boolean {
  const [first, second] = [a, b].map((arg) => (arg instanceof Node ? shapeOf(arg) : undefined));
  return (
    first !== undefined &&
    second?.length === first.length &&
    first.every((extent, axis) => dimsEqual(extent, second[axis]))
  );
}

function shapeOf({ meta: { val } }: Node): readonly Dim[] | undefined {
  return typeof val === 'object' && 'shape' in val ? val.shape : undefined;
}

/**
 * Annotates operators that pass int8 through, in graph order, where all their inputs come out of patterns that run in
 * int8.
 */
export function propagateAnnotations(module: GraphModule, { config, filter }: Assignment): void {
  for (const node of module.graph.nodes) {
    if (!isCall(node, ...passThroughOperators) || !mayAnnotate([node], filter)) continue;
    if (config === null) {
      excludeFromQuantization([node]);
      continue;
    }
    if (node.target === FLATTEN && !leadsToQuantizable(node)) continue;
    const inputs = node.target === CAT ? listedNodes(node.args[0]) : [node.allInputNodes[0]];
    if (inputs.length > 0 && inputs.every(isQuantizedOutput)) annotateInputs(node, inputs, config);
  }
}

/** A flatten is worth it only in front of an operator that takes int8. */
function leadsToQuantizable(node: Node): boolean {
  return node.users.length === 0 || node.users.some((user) => quantizableOperators.includes(user.target));
}

function listedNodes(list: Argument): Node[] {
  return (list as readonly Argument[]).filter((item) => item instanceof Node);
}

/** Inputs of a concatenation share the first one's parameters. */
function annotateInputs(node: Node, inputs: readonly Node[], config: QuantizationConfig | null): void {
  if (config === null) {
    excludeFromQuantization([node]);
    return;
  }
  const inputQspecMap = new Map<Node, QuantizationSpecBase | null>();
  const [first] = inputs;
  for (const input of inputs)
    if (!inputQspecMap.has(input))
      inputQspecMap.set(
        input,
        node.target === CAT && input !== first
          ? new SharedQuantizationSpec([first, node])
          : getInputActQspec(config),
      );
  node.meta.quantizationAnnotation = new X86QuantizationAnnotation({
    inputQspecMap,
    isOutputOfQuantizedPattern: true,
  });
}

/** The output of an annotated operator that passes int8 through shares its first input's parameters. */
export function annotateSharedOutputs(module: GraphModule): void {
  for (const node of module.graph.nodes)
    if (isCall(node, ...passThroughOperators) && isQuantizedOutput(node))
      node.meta.quantizationAnnotation!.outputQspec = new SharedQuantizationSpec([
        node.allInputNodes[0],
        node,
      ]);
}
