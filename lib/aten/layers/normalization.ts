import { type Arguments, type Dim, dimsEqual, type TensorMeta } from '../../graph/index.ts';
import type { Attributes } from '../../native/addon-types.ts';
import { FLOAT32_EPSILON } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { computedDtype, normalizeAxis } from '../shape-rules.ts';

/** The tensor and its optional scale and shift, in the order of the native steps. */
export function withParameters<T extends TensorLike>(args: Arguments<T>, others: readonly T[] = []) {
  const [weight, bias] = [args.optionalTensor('weight'), args.optionalTensor('bias')];
  return {
    inputs: [args.tensor('input'), ...others, ...(weight ? [weight] : []), ...(bias ? [bias] : [])],
    attributes: { eps: args.number('eps'), hasWeight: weight !== null, hasBias: bias !== null },
  };
}

function checkParameters(args: Arguments<TensorMeta>, shape: readonly Dim[]): void {
  const names = args.schema.arguments.map(({ name }) => name);
  for (const name of ['weight', 'bias'].filter((each) => names.includes(each))) {
    const tensor = args.optionalTensor(name);
    const fits = (extents: readonly Dim[]) =>
      extents.length === shape.length && extents.every((dim, i) => dimsEqual(dim, shape[i]));
    if (tensor && !fits(tensor.shape))
      throw new Error(
        `${args.schema.name}: ${name} must be [${shape.join(', ')}], got [${tensor.shape.join(', ')}]`,
      );
  }
}

function inferLayerNorm(args: Arguments<TensorMeta>): TensorMeta {
  const input = args.tensor('input');
  const normalized = args.dims('normalized_shape');
  const last = input.shape.slice(input.shape.length - normalized.length);
  const fits = normalized.length > 0 && last.length === normalized.length;
  if (!fits || !last.every((dim, i) => dimsEqual(dim, normalized[i])))
    throw new Error(
      `${args.schema.name}: [${normalized.join(', ')}] are not the last extents of [${input.shape.join(', ')}]`,
    );
  checkParameters(args, normalized);
  return { dtype: computedDtype(input.dtype, args.schema.name), shape: input.shape };
}

/** Layer normalization keeps the samples of its input apart unless it normalizes over them as well. */
export function normalizedSamples(args: Arguments<TensorMeta>): readonly string[] {
  return args.dims('normalized_shape').length < args.tensor('input').shape.length ? ['input'] : [];
}

function inferGroupNorm(args: Arguments<TensorMeta>): TensorMeta {
  const input = args.tensor('input');
  const groups = args.number('num_groups');
  const channels = input.shape[1];
  if (typeof channels !== 'number' || groups < 1 || channels % groups !== 0)
    throw new Error(`${args.schema.name}: ${groups} groups do not divide ${channels} channels`);
  checkParameters(args, [channels]);
  return { dtype: computedDtype(input.dtype, args.schema.name), shape: input.shape };
}

function softmax(schema: string, attributes: Attributes): NativeDefinition {
  const axisOf = (args: Arguments<{ readonly shape: readonly unknown[] }>) =>
    normalizeAxis(args.number('dim'), args.tensor('self').shape.length, args.schema.name);
  return {
    schema,
    infer: (args) => {
      axisOf(args);
      const { dtype, shape } = args.tensor('self');
      const wanted = args.isNone('dtype') ? dtype : args.dtype('dtype');
      return { dtype: computedDtype(wanted, args.schema.name), shape };
    },
    samples: (args) => (axisOf(args) > 0 ? ['self'] : []),
    step: (args) => ({
      op: 'softmax',
      inputs: [args.tensor('self')],
      attributes: { axis: axisOf(args), ...attributes },
    }),
  };
}

/** Normalization by running statistics or by those of a row or a group, and to probabilities. */
export const normalization: readonly OperatorDefinition[] = [
  {
    schema:
      'aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor',
    infer: (args) => {
      const { name } = args.schema;
      if (args.isNone('running_mean') || args.isNone('running_var'))
        throw new Error(`${name}: running statistics are needed (track_running_stats=True)`);
      const { dtype, shape } = args.tensor('input');
      return { dtype: computedDtype(dtype, name), shape };
    },
    samples: (args) => (args.bool('training') ? [] : ['input']),
    step: (args) => {
      if (args.bool('training'))
        throw new Error(
          `${args.schema.name}: it normalizes by the batch's own statistics; call eval() before export, or moveExportedModelToEval`,
        );
      return {
        op: 'batch_norm',
        ...withParameters(args, [args.tensor('running_mean'), args.tensor('running_var')]),
      };
    },
  },
  {
    schema:
      'aten::layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor',
    infer: inferLayerNorm,
    samples: normalizedSamples,
    step: (args) => {
      const { inputs, attributes } = withParameters(args);
      const normalizedShape = args.numbers('normalized_shape');
      return { op: 'layer_norm', inputs, attributes: { ...attributes, normalizedShape } };
    },
  },
  {
    schema:
      'aten::rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor',
    infer: inferLayerNorm,
    samples: normalizedSamples,
    step: (args) => {
      const weight = args.optionalTensor('weight');
      return {
        op: 'layer_norm',
        inputs: [args.tensor('input'), ...(weight ? [weight] : [])],
        attributes: {
          normalizedShape: args.numbers('normalized_shape'),
          rootMeanSquare: true,
          // What PyTorch adds if it is not told another number.
          eps: args.optionalNumber('eps') ?? FLOAT32_EPSILON,
          hasWeight: weight !== null,
          hasBias: false,
        },
      };
    },
  },
  {
    schema:
      'aten::group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enabled=True) -> Tensor',
    infer: inferGroupNorm,
    samples: ['input'],
    step: (args) => {
      const { inputs, attributes } = withParameters(args);
      return { op: 'group_norm', inputs, attributes: { ...attributes, groups: args.number('num_groups') } };
    },
  },
  softmax('aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor', {}),
  softmax('aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor', {
    logarithm: true,
  }),
  // A row of -Infinity alone, of which nothing is attended to, becomes 0.
  softmax('aten::_safe_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor', { masked: true }),
];
