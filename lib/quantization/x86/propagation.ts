import type { BackendOperator } from '../../backend/index.ts';
import {
  type Argument,
  constantNodes,
  dimsEqual,
  type GraphModule,
  Node,
  tensorMeta,
} from '../../graph/index.ts';
import { isReal } from '../annotation.ts';
import { getInputActQspec, type QuantizationConfig } from '../quantization-config.ts';
import { type QuantizationSpecBase, SharedQuantizationSpec } from '../specs.ts';
import {
  type Assignment,
  excludeFromQuantization,
  isQuantizedOutput,
  mayAnnotate,
  X86QuantizationAnnotation,
} from './annotation.ts';
import { cat, flatten, isInRecipe, matmul, mul, passThroughOperators, recipeOperator } from './operators.ts';

/** Annotates both inputs of matrix products that were requested by name or type. */
export function annotateMatmuls(module: GraphModule, { config, filter }: Assignment): void {
  for (const node of activations(module, matmul))
    if (mayAnnotate([node], filter)) annotateInputs(node, node.allInputNodes, config);
}

/** Annotates both factors of products of two float32 tensors of the same shape. */
export function annotateProducts(module: GraphModule, { config, filter }: Assignment): void {
  if (!isInRecipe(mul, config)) return;
  for (const node of activations(module, mul))
    if (mayAnnotate([node], filter) && (config === null || haveOneShape(node.args)))
      annotateInputs(node, node.allInputNodes, config);
}

/** An operator's calls whose result is not constant. The product of a weight and a mask is a weight, for example. */
function activations({ graph }: GraphModule, operator: BackendOperator): readonly Node[] {
  const constants = constantNodes(graph);
  return graph.nodes.filter((node) => recipeOperator(node) === operator && !constants.has(node));
}

function haveOneShape([a, b]: readonly Argument[]): boolean {
  const [first, second] = [a, b].map((arg) =>
    arg instanceof Node && isReal(arg) ? tensorMeta(arg)?.shape : undefined,
  );
  return (
    first !== undefined &&
    second?.length === first.length &&
    first.every((extent, axis) => dimsEqual(extent, second[axis]))
  );
}

/**
 * Annotates operators that pass int8 through, in graph order, if all their inputs are outputs of patterns that run in
 * int8.
 */
export function propagateAnnotations(module: GraphModule, { config, filter }: Assignment): void {
  for (const node of module.graph.nodes) {
    if (!passesThrough(node) || !mayAnnotate([node], filter)) continue;
    if (config === null) {
      excludeFromQuantization([node]);
      continue;
    }
    if (recipeOperator(node) === flatten && !leadsToQuantizable(node, config)) continue;
    const inputs = recipeOperator(node) === cat ? listedNodes(node.args[0]) : [node.allInputNodes[0]];
    if (inputs.length > 0 && inputs.every(isQuantizedOutput)) annotateInputs(node, inputs, config);
  }
}

function passesThrough(node: Node): boolean {
  const operator = recipeOperator(node);
  return operator !== undefined && passThroughOperators.includes(operator);
}

/** Flatten is worth quantizing only before an operator that reads int8. */
function leadsToQuantizable(node: Node, config: QuantizationConfig): boolean {
  const reads = (user: Node) => {
    const operator = recipeOperator(user);
    return operator !== undefined && isInRecipe(operator, config);
  };
  return node.users.length === 0 || node.users.some(reads);
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
        recipeOperator(node) === cat && input !== first
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
    if (passesThrough(node) && isQuantizedOutput(node))
      node.meta.quantizationAnnotation!.outputQspec = new SharedQuantizationSpec([
        node.allInputNodes[0],
        node,
      ]);
}
