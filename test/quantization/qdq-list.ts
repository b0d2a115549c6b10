import { expect } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type Argument, GET_ITEM, type GraphModule, Node } from '../../lib/graph/index.ts';
import { goldenJson, scaleTolerance } from '../support/pt2e-goldens.ts';

/** One quantize, dequantize or choose_qparams node, as the goldens list them. */
export interface QdqNode {
  readonly idx: number;
  readonly name: string;
  readonly target: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly users: readonly string[];
}

const parameters = ['scale', 'scales', 'zero_point', 'zero_points'];

const pythonTarget = (node: Node) =>
  node.target === GET_ITEM ? '<built-in function getitem>' : node.target.replace(/^torch\.ops\./, '');

function listArgument(module: GraphModule, name: string, arg: Argument, isDType: boolean, shown: number) {
  if (!(arg instanceof Node)) return { [name]: isDType && arg !== null ? `torch.${String(arg)}` : arg };
  if (arg.op !== 'get_attr') return { [name]: { node: arg.name, op: arg.op, target: pythonTarget(arg) } };
  const { dtype, shape, numel, ...tensor } = describe(module, arg.target);
  if (!parameters.includes(name)) return { [name]: { get_attr: arg.target, dtype, shape } };
  return {
    [name]: tensor.values.slice(0, shown),
    [`${name}_numel`]: numel,
    [`${name}_attr`]: arg.target,
    [`${name}_dtype`]: dtype,
  };
}

function describe(module: GraphModule, target: string) {
  const tensor = module.attribute(target);
  return {
    dtype: `torch.${tensor.dtype}`,
    shape: [...tensor.shape],
    numel: tensor.numel,
    values: tensor.toArray(),
  };
}

/** All quantize and dequantize nodes with all their arguments, in graph order; of long parameters the first `shown`. */
function qdqList(module: GraphModule, shown: number): QdqNode[] {
  return module.graph.nodes.flatMap((node, idx) => {
    if (!node.target.startsWith('quantized_decomposed.')) return [];
    const { arguments: formals } = operators.get(node.target).schema;
    const args = formals.map((formal, i) =>
      listArgument(
        module,
        formal.name,
        node.args[i] ?? node.kwargs[formal.name] ?? null,
        formal.name.endsWith('dtype'),
        shown,
      ),
    );
    const users = node.users.map((user) => `${user.name}:${pythonTarget(user)}`);
    return { idx, name: node.name, target: node.target, args: Object.assign({}, ...args), users };
  });
}

/** Numbers of a list apart from the rest. */
function numbersApart(list: readonly QdqNode[]) {
  const numbers: number[] = [];
  const rest = JSON.parse(
    JSON.stringify(list, (key, value: unknown) => {
      const isScale = (key === 'scale' || key === 'scales') && JSON.stringify(value).match(/^[[\d]/);
      if (!isScale) return value;
      const scales = [value as number | number[]].flat();
      numbers.push(...scales);
      return `${scales.length} scales`;
    }),
  ) as unknown;
  return { rest, numbers };
}

/** Same nodes, order, arguments, dtypes, zero points and users as PyTorch's list; scales within 1e-5. */
export function expectSameQdq(module: GraphModule, folder: string): void {
  const shown = folder.startsWith('transformer') ? 8 : Number.POSITIVE_INFINITY;
  expectSameList(qdqList(module, shown), goldenJson<QdqNode[]>(`${folder}/qdq.json`));
}

/** The same of torchao's list, whose graph has one node more in front of some. */
export function expectSameQdqNodes(module: GraphModule, golden: readonly QdqNode[]): void {
  const withoutPlace = (list: readonly QdqNode[]) => list.map((node) => ({ ...node, idx: 0 }));
  expectSameList(withoutPlace(qdqList(module, Number.POSITIVE_INFINITY)), withoutPlace(golden));
}

function expectSameList(list: readonly QdqNode[], golden: readonly QdqNode[]): void {
  const [got, expected] = [numbersApart(list), numbersApart(golden)];
  expect(got.rest).toEqual(expected.rest);
  expect(got.numbers).toHaveLength(expected.numbers.length);
  got.numbers.forEach((scale, i) => {
    expect(Math.abs(scale - expected.numbers[i])).toBeLessThanOrEqual(scaleTolerance * expected.numbers[i]);
  });
}
