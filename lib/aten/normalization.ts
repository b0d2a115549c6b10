import type { OperatorDefinition } from './registry.ts';

/** Normalization with learned scale and shift. */
export const normalization: readonly OperatorDefinition[] = [
  {
    schema:
      'aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor',
    infer: (args) => {
      const { name } = args.schema;
      if (args.bool('training'))
        throw new Error(`${name}: the model was exported in training mode; call eval() before export`);
      if (args.isNone('running_mean') || args.isNone('running_var'))
        throw new Error(`${name}: running statistics are needed (track_running_stats=True)`);
      return args.tensor('input');
    },
    step: (args) => {
      const [weight, bias] = [args.optionalTensor('weight'), args.optionalTensor('bias')];
      return {
        op: 'batch_norm',
        inputs: [
          args.tensor('input'),
          args.tensor('running_mean'),
          args.tensor('running_var'),
          ...(weight ? [weight] : []),
          ...(bias ? [bias] : []),
        ],
        attributes: {
          eps: args.number('eps'),
          hasWeight: weight !== null,
          hasBias: bias !== null,
        },
      };
    },
  },
];
