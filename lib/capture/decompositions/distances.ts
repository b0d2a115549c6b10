import type { Arguments, Node } from '../../graph/index.ts';
import { type Add, type Call, type DecompositionDefinition, metaOf } from './decomposition.ts';

/** Of vectors along `dim`, each at least `eps` long. */
function cosineSimilarity(add: Add, args: Arguments<Node>): Call {
  const axes = [args.number('dim')];
  const [a, b] = ['x1', 'x2'].map((name) => {
    const vector = args.tensor(name);
    const norm = add('aten.linalg_vector_norm.default', vector, 2, axes, true);
    const length = add('aten.clamp_min.default', norm, args.number('eps'));
    return add('aten.div.Tensor', vector, length);
  });
  return ['aten.sum.dim_IntList', add('aten.mul.Tensor', a, b), axes];
}

/**
 * The norms of vectors along their last axis. One operator, for its gradient at 0 is 0, as in PyTorch; that of a root of a
 * sum would be NaN.
 */
function norm(vectors: Node, keepdim: boolean, args: Arguments<Node>): Call {
  const order = args.number('p');
  if (!(order >= 0)) throw new Error(`${args.schema.name}: p must be at least 0, got ${order}`);
  return ['aten.linalg_vector_norm.default', vectors, order, [-1], keepdim];
}

/** The norm of the difference along the last extent. */
function pairwiseDistance(add: Add, args: Arguments<Node>): Call {
  const difference = add('aten.sub.Tensor', args.tensor('x1'), args.tensor('x2'));
  const moved = add('aten.add.Scalar', difference, args.number('eps'));
  return norm(moved, args.bool('keepdim'), args);
}

/** From each of the first vectors to each of the second ones: `[..., P, M]` and `[..., R, M]` become `[..., P, R]`. */
function allDistances(add: Add, args: Arguments<Node>): Call {
  const { name } = args.schema;
  const [a, b] = ['x1', 'x2'].map((one) => args.tensor(one));
  if (metaOf(a, name).shape.length < 2 || metaOf(b, name).shape.length < 2)
    throw new Error(`${name}: x1 and x2 must be rows of vectors, [..., P, M] and [..., R, M]`);
  const [rows, columns] = [add('aten.unsqueeze.default', a, -2), add('aten.unsqueeze.default', b, -3)];
  return norm(add('aten.sub.Tensor', rows, columns), false, args);
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
