import { normalizeAxis } from '../../aten/index.ts';
import type { Argument, Arguments, Node } from '../../graph/index.ts';
import { Contraction } from './contraction.ts';
import { type Add, type Call, type DecompositionDefinition, rankOf, same } from './decomposition.ts';

const raw = (args: Arguments<Node>, ...names: readonly string[]): Argument[] =>
  names.map((name) => args.raw(name) as Argument);

const column = (add: Add, vector: Node): Node => add('aten.unsqueeze.default', vector, 1);
const row = (add: Add, vector: Node): Node => add('aten.unsqueeze.default', vector, 0);

/** `beta * self + alpha * (mat @ vec)` as a product of matrices of one column. */
function addmv(add: Add, args: Arguments<Node>): Call {
  const self = args.tensor('self');
  const added = rankOf(self, args.schema.name) === 0 ? self : column(add, self);
  const factors = [args.tensor('mat'), column(add, args.tensor('vec'))];
  return ['aten.squeeze.dim', add('aten.addmm.default', added, ...factors, ...raw(args, 'beta', 'alpha')), 1];
}

const addr = (add: Add, args: Arguments<Node>): Call => [
  'aten.addmm.default',
  ...[args.tensor('self'), column(add, args.tensor('vec1')), row(add, args.tensor('vec2'))],
  ...raw(args, 'beta', 'alpha'),
];

/** The sum of a batch's products is the product of the matrices side by side. */
function addbmm(add: Add, args: Arguments<Node>): Call {
  const left = add('aten.transpose.int', args.tensor('batch1'), 0, 1);
  return [
    'aten.addmm.default',
    args.tensor('self'),
    add('aten.flatten.using_ints', left, 1, 2),
    add('aten.flatten.using_ints', args.tensor('batch2'), 0, 1),
    ...raw(args, 'beta', 'alpha'),
  ];
}

const outer = (add: Add, args: Arguments<Node>): Call => [
  'aten.mul.Tensor',
  column(add, args.tensor('self')),
  row(add, args.tensor('vec2')),
];

/** Sums of products over the named extents of both tensors. */
function overAxes(
  add: Add,
  operator: string,
  [a, b]: readonly [Node, Node],
  [left, right]: readonly [readonly number[], readonly number[]],
): Call {
  const ranks = [a, b].map((node) => rankOf(node, operator));
  if (left.length !== right.length)
    throw new Error(`${operator}: ${left.length} and ${right.length} extents cannot be multiplied`);
  const axes = [left, right].map((list, i) => list.map((axis) => normalizeAxis(axis, ranks[i], operator)));
  const labels = ranks.map((rank, i) => Array.from({ length: rank }, (_, axis) => `${'ab'[i]}${axis}`));
  axes[0].forEach((axis, i) => {
    labels[0][axis] = labels[1][axes[1][i]] = `sum${i}`;
  });
  const needs = new Set(labels.flat().filter((label) => !label.startsWith('sum')));
  const product = new Contraction(add, operator).product(
    { node: a, labels: labels[0] },
    { node: b, labels: labels[1] },
    needs,
  );
  return same(product.node);
}

function tensordot(add: Add, args: Arguments<Node>): Call {
  const factors = [args.tensor('self'), args.tensor('other')] as const;
  return overAxes(add, args.schema.name, factors, [args.numbers('dims_self'), args.numbers('dims_other')]);
}

/** Over the last extents; with a number it is a multiple. */
function inner(add: Add, args: Arguments<Node>): Call {
  const factors = [args.tensor('self'), args.tensor('other')] as const;
  if (factors.some((factor) => rankOf(factor, args.schema.name) === 0))
    return ['aten.mul.Tensor', ...factors];
  return overAxes(add, args.schema.name, factors, [[-1], [-1]]);
}

/** `out[..., o] = sum over i, j of first[..., i] * weight[o, i, j] * second[..., j]` */
function bilinear(add: Add, args: Arguments<Node>): Call {
  const tensors = ['input1', 'weight', 'input2'].map((name) => args.tensor(name));
  const product: Call = ['aten.einsum.default', '...i,oij,...j->...o', tensors];
  const bias = args.optionalTensor('bias');
  return bias ? ['aten.add.Tensor', add(...product), bias] : product;
}

/** A weight of one row without an extent for it. */
function linearOfVector(add: Add, args: Arguments<Node>): Call {
  const product: Call = ['aten.matmul.default', args.tensor('input'), args.tensor('weight')];
  const bias = args.optionalTensor('bias');
  return bias ? ['aten.add.Tensor', add(...product), bias] : product;
}

function chained(add: Add, args: Arguments<Node>): Call {
  const [list] = args.schema.arguments;
  const [first, ...others] = args.tensors(list.name);
  if (!first) throw new Error(`${args.schema.name}: needs at least one tensor`);
  return same(others.reduce((product, other) => add('aten.matmul.default', product, other), first));
}

const matmul = (schema: string, ...names: readonly [string, string]): DecompositionDefinition => ({
  schema,
  decompose: (_, args) => ['aten.matmul.default', ...names.map((name) => args.tensor(name))],
});

/** Products of vectors, matrices and tensors in terms of `matmul` and `addmm`. */
export const productDecompositions: readonly DecompositionDefinition[] = [
  matmul('aten::mv(Tensor self, Tensor vec) -> Tensor', 'self', 'vec'),
  matmul('aten::dot(Tensor self, Tensor tensor) -> Tensor', 'self', 'tensor'),
  matmul('aten::vdot(Tensor self, Tensor other) -> Tensor', 'self', 'other'),
  matmul('aten::linalg_matmul(Tensor self, Tensor other) -> Tensor', 'self', 'other'),
  {
    schema: 'aten::addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor',
    decompose: addmv,
  },
  {
    schema: 'aten::addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor',
    decompose: addr,
  },
  {
    schema:
      'aten::addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor',
    decompose: addbmm,
  },
  ...['outer', 'ger'].map((name) => ({
    schema: `aten::${name}(Tensor self, Tensor vec2) -> Tensor`,
    decompose: outer,
  })),
  { schema: 'aten::inner(Tensor self, Tensor other) -> Tensor', decompose: inner },
  {
    schema: 'aten::tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor',
    decompose: tensordot,
  },
  {
    schema: 'aten::bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor',
    decompose: bilinear,
  },
  {
    schema: 'aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor',
    applies: (args) => rankOf(args.tensor('weight'), args.schema.name) === 1,
    decompose: linearOfVector,
  },
  { schema: 'aten::linalg_multi_dot(Tensor[] tensors) -> Tensor', decompose: chained },
  { schema: 'aten::chain_matmul(Tensor[] matrices) -> Tensor', decompose: chained },
];
