import type { Argument, Arguments, Node } from '../../graph/index.ts';
import { type Add, type Call, type DecompositionDefinition, metaOf } from './decomposition.ts';

const raw = (args: Arguments<Node>, ...names: readonly string[]): Argument[] =>
  names.map((name) => args.raw(name) as Argument);

function instanceNorm(_: Add, args: Arguments<Node>): Call {
  const { name } = args.schema;
  if (!args.bool('use_input_stats'))
    return [
      'aten.batch_norm.default',
      ...raw(args, 'input', 'weight', 'bias', 'running_mean', 'running_var'),
      ...[false, ...raw(args, 'momentum', 'eps'), true],
    ];
  if (!args.isNone('running_mean'))
    throw new Error(`${name}: it would update its running statistics; call eval() before export`);
  const channels = metaOf(args.tensor('input'), name).shape[1] as number;
  return [
    'aten.group_norm.default',
    args.tensor('input'),
    channels,
    ...raw(args, 'weight', 'bias', 'eps'),
    true,
  ];
}

/**
 * Normalization by the batch's own statistics: a channel of all samples is one instance.
 *
 *     batch_norm(x [N, C, ...])   ⇒   group_norm(x as [1, C, N * ...], C groups)
 */
function batchStatistics(add: Add, args: Arguments<Node>): Call {
  const { name } = args.schema;
  const input = args.tensor('input');
  const { shape } = metaOf(input, name);
  const swapped = add('aten.transpose.int', input, 0, 1);
  const rows = add('aten.unsqueeze.default', add('aten.flatten.using_ints', swapped, 1, -1), 0);
  const parameters = raw(args, 'weight', 'bias', 'eps');
  const normalized = add('aten.group_norm.default', rows, shape[1] as number, ...parameters, true);
  const channels = add('aten.squeeze.dim', normalized, 0);
  const extents = [-1, ...(shape.slice(2) as number[])];
  const images = extents.length > 1 ? add('aten.unflatten.int', channels, 1, extents) : channels;
  return ['aten.transpose.int', images, 0, 1];
}

const batchNormArguments =
  'Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps';

/** What PyTorch's normalizations are besides those with a native step, and the names of its kernels. */
export const normalizationDecompositions: readonly DecompositionDefinition[] = [
  {
    schema:
      'aten::instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool use_input_stats, float momentum, float eps, bool cudnn_enabled) -> Tensor',
    decompose: instanceNorm,
  },
  {
    schema: `aten::batch_norm(${batchNormArguments}, bool cudnn_enabled) -> Tensor`,
    // With running statistics it is in training mode, and refused.
    applies: (args) => args.bool('training') && args.isNone('running_mean') && args.isNone('running_var'),
    decompose: batchStatistics,
  },
  ...[
    `aten::native_batch_norm(${batchNormArguments}) -> (Tensor, Tensor, Tensor)`,
    'aten::_native_batch_norm_legit(Tensor input, Tensor? weight, Tensor? bias, Tensor(a!) running_mean, Tensor(b!) running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)',
  ].map(
    (schema): DecompositionDefinition => ({
      schema,
      decompose: (_, args) => [
        'aten.batch_norm.default',
        ...raw(args, 'input', 'weight', 'bias', 'running_mean', 'running_var', 'training', 'momentum', 'eps'),
        true,
      ],
    }),
  ),
  {
    schema:
      'aten::_native_batch_norm_legit.no_stats(Tensor input, Tensor? weight, Tensor? bias, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)',
    decompose: batchStatistics,
  },
  {
    schema:
      'aten::native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, Tensor? bias, float eps) -> (Tensor, Tensor, Tensor)',
    decompose: (_, args) => [
      'aten.layer_norm.default',
      ...raw(args, 'input', 'normalized_shape', 'weight', 'bias', 'eps'),
    ],
  },
  {
    schema:
      'aten::native_group_norm(Tensor input, Tensor? weight, Tensor? bias, SymInt N, SymInt C, SymInt HxW, int group, float eps) -> (Tensor, Tensor, Tensor)',
    decompose: (_, args) => [
      'aten.group_norm.default',
      ...raw(args, 'input', 'group', 'weight', 'bias', 'eps'),
    ],
  },
  {
    schema:
      'aten::_fused_rms_norm(Tensor input, int[] normalized_shape, Tensor? weight, float? eps) -> (Tensor, Tensor)',
    decompose: (_, args) => [
      'aten.rms_norm.default',
      ...raw(args, 'input', 'normalized_shape', 'weight', 'eps'),
    ],
  },
  ...['softmax', 'log_softmax'].map(
    (name): DecompositionDefinition => ({
      schema: `aten::_${name}(Tensor self, int dim, bool half_to_float) -> Tensor`,
      decompose: (_, args) => [`aten.${name}.int`, ...raw(args, 'self', 'dim')],
    }),
  ),
];
