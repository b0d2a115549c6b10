import { castOperators, operators } from '../aten/index.ts';
import {
  type Argument,
  Arguments,
  type GraphModule,
  isArgumentList,
  isTensorMeta,
  type MetaValue,
  type Node,
  tensorMeta,
} from '../graph/index.ts';
import type { Tensor } from '../tensor/index.ts';

const CAST = 'aten.to.dtype';

/**
 * Makes a program that computes in float16 compute in float32, because float16 has no kernels: widens its weights, and casts
 * its inputs and results that are float16. A process warning says so. Programs that only store float16, or
 * cast to it and back, stay as they are.
 *
 *     linear(x float16, w float16) → y float16   ⇒   to(linear(to(x, float32), w float32), float16) → y
 *
 * @param label what the warning calls the program.
 */
export function widenHalf(module: GraphModule, label: string): void {
  const { graph, attributes } = module;
  if (!graph.nodes.some(computesInHalf)) return;
  const inputs = graph.placeholders.filter(isHalf);
  const [returned] = graph.outputNode.args;
  const results = isArgumentList(returned) ? returned : [returned];
  const narrow = results.map((result) => typeof result === 'object' && isHalf(result as Node));
  for (const [name, tensor] of attributes)
    if (tensor.dtype === 'float16') attributes.set(name, widened(tensor));
  for (const node of graph.nodes) {
    if (node.op === 'placeholder' || node.op === 'output') continue;
    if (node.meta.val !== undefined) node.meta.val = wideMeta(node.meta.val);
    if (node.op === 'call_function') widenDtypeArguments(node);
  }
  for (const input of inputs) {
    const wide = graph.insertingAfter(input, () => graph.callFunction(CAST, [input, 'float32']));
    wide.meta.val = wideMeta(input.meta.val!);
    input.replaceAllUsesWith(wide);
  }
  const cast = results.map((result, i) => (narrow[i] ? rounded(module, graph.outputNode.args, i) : result));
  graph.outputNode.setArguments([cast]);
  process.emitWarning(
    `${label} computes in float16, which Octavo computes in float32: results are those of model.float(), rounded to ` +
      'float16 at the outputs',
    'OctavoWarning',
  );
}

const isHalf = (node: Node): boolean => tensorMeta(node)?.dtype === 'float16';

/** Whether a call does more with float16 than to move it or to cast to it. */
function computesInHalf(node: Node): boolean {
  if (node.op !== 'call_function' || !isHalf(node) || castOperators.includes(node.target)) return false;
  if (!operators.has(node.target)) return true;
  const { definition } = operators.get(node.target);
  return !('view' in definition) && !('strided' in definition);
}

function widened(tensor: Tensor): Tensor {
  const { schema } = operators.get(CAST);
  return operators.get(CAST).execute(Arguments.bind<Tensor>(schema, [tensor, 'float32'])) as Tensor;
}

function wideMeta(meta: MetaValue): MetaValue {
  if (Array.isArray(meta)) return meta.map(wideMeta) as MetaValue;
  return isTensorMeta(meta) && meta.dtype === 'float16' ? { ...meta, dtype: 'float32' } : meta;
}

/** Calls that are told a dtype. */
function widenDtypeArguments(node: Node): void {
  const wide = (arg: Argument): Argument => (arg === 'float16' ? 'float32' : arg);
  const kwargs = Object.fromEntries(Object.entries(node.kwargs).map(([name, arg]) => [name, wide(arg)]));
  node.setArguments(node.args.map(wide), kwargs);
}

/** Result `i` of the graph as float16. */
function rounded({ graph }: GraphModule, [returned]: readonly Argument[], i: number): Node {
  const result = (isArgumentList(returned) ? returned[i] : returned) as Node;
  const narrow = graph.insertingBefore(graph.outputNode, () => graph.callFunction(CAST, [result, 'float16']));
  narrow.meta.val = { ...tensorMeta(result)!, dtype: 'float16' };
  return narrow;
}
