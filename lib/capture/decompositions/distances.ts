import type { Argument, Arguments, Node } from '../../graph/index.ts';
import { type Add, type Call, type DecompositionDefinition, metaOf } from './decomposition.ts';

/** Of vectors along `dim`, each at least `eps` long. */
function cosineSimilarity(add: Add, args: Arguments<Node>): Call {
  const axes = [args.number('dim')];
  const [a, b] = ['x1', 'x2'].map((name) => {
    const vector = args.tensor(name);
    const squares = add('aten.sum.dim_IntList', add('aten.square.default', vector), axes, true);
    const length = add('aten.clamp_min.default', add('aten.sqrt.default', squares), args.number('eps'));
    return add('aten.div.Tensor', vector, length);
  });
  return ['aten.sum.dim_IntList', add('aten.mul.Tensor', a, b), axes];
}

/** The norm of that order of vectors: `rest` says along which axes, and whether they stay. */
function norm(add: Add, vectors: Node, order: number, rest: readonly Argument[], operator: string): Call {
  if (order === 2) {
    const squares = add('aten.square.default', vectors);
    return ['aten.sqrt.default', add('aten.sum.dim_IntList', squares, ...rest)];
  }
  const sizes = add('aten.abs.default', vectors);
  if (order === Infinity) return ['aten.amax.default', sizes, ...rest];
  if (order === 1) return ['aten.sum.dim_IntList', sizes, ...rest];
  // The number of elements that are not 0.
  if (order === 0) return ['aten.sum.dim_IntList', add('aten.sign.default', sizes), ...rest];
  if (!(order > 0)) throw new Error(`${operator}: p must be at least 0, got ${order}`);
  const powers = add('aten.pow.Tensor_Scalar', sizes, order);
  return ['aten.pow.Tensor_Scalar', add('aten.sum.dim_IntList', powers, ...rest), 1 / order];
}

/** The norm of the difference along the last extent. */
function pairwiseDistance(add: Add, args: Arguments<Node>): Call {
  const difference = add('aten.sub.Tensor', args.tensor('x1'), args.tensor('x2'));
  const moved = add('aten.add.Scalar', difference, args.number('eps'));
  return norm(add, moved, args.number('p'), [[-1], args.bool('keepdim')], args.schema.name);
}

/** From each of the first vectors to each of the second ones: `[..., P, M]` and `[..., R, M]` become `[..., P, R]`. */
function allDistances(add: Add, args: Arguments<Node>): Call {
  const { name } = args.schema;
  const [a, b] = ['x1', 'x2'].map((one) => args.tensor(one));
  if (metaOf(a, name).shape.length < 2 || metaOf(b, name).shape.length < 2)
    throw new Error(`${name}: x1 and x2 must be rows of vectors, [..., P, M] and [..., R, M]`);
  const [rows, columns] = [add('aten.unsqueeze.default', a, -2), add('aten.unsqueeze.default', b, -3)];
  return norm(add, add('aten.sub.Tensor', rows, columns), args.number('p'), [[-1], false], name);
}

/** How far vectors are apart, and how alike their directions are. */
export const distanceDecompositions: readonly DecompositionDefinition[] = [
  {
    schema: 'aten::cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor',
    decompose: cosineSimilarity,
  },
  {
    schema:
      'aten::pairwise_distance(Tensor x1, Tensor x2, float p=2, float eps=1e-06, bool keepdim=False) -> Tensor',
    decompose: pairwiseDistance,
  },
  {
    // PyTorch may square vectors and take twice their products away, which is less exact; here no mode does.
    schema: 'aten::cdist(Tensor x1, Tensor x2, float p=2, int? compute_mode=None) -> Tensor',
    decompose: allDistances,
  },
  {
    schema: 'aten::_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode) -> Tensor',
    decompose: allDistances,
  },
];
