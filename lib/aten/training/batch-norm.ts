import { type Arguments, dimsEqual, type TensorMeta } from '../../graph/index.ts';
import { withParameters } from '../layers/normalization.ts';
import type { OperatorDefinition } from '../registry.ts';

function channelsOf(args: Arguments<TensorMeta>): TensorMeta {
  const { name } = args.schema;
  const { dtype, shape } = args.tensor('input');
  if (dtype !== 'float32') throw new Error(`${name}: training is in float32, got ${dtype}`);
  if (shape.length < 2)
    throw new Error(`${name}: the input needs a batch and channels, got [${shape.join(', ')}]`);
  const parameters = args.schema.arguments.map((argument) => argument.name).slice(1);
  for (const parameter of parameters.filter((each) => /^(weight|bias|running_|save_)/.test(each))) {
    const tensor = args.optionalTensor(parameter);
    if (tensor && !(tensor.shape.length === 1 && dimsEqual(tensor.shape[0], shape[1])))
      throw new Error(`${name}: ${parameter} must be [${shape[1]}], got [${tensor.shape.join(', ')}]`);
  }
  return { dtype, shape: [shape[1]] };
}

/** Batch norm by the batch's own statistics, and its gradient. */
export const batchNormTraining: readonly OperatorDefinition[] = [
  {
    /** Returns the result, the batch's mean and 1 / sqrt(variance + eps), and the new running statistics. */
    schema:
      'aten::_native_batch_norm_legit_functional(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean, Tensor running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor, Tensor running_mean_out, Tensor running_var_out)',
    infer: (args) => {
      if (!args.bool('training'))
        throw new Error(`${args.schema.name}: by running statistics it is aten.batch_norm.default`);
      const channels = channelsOf(args);
      return [{ ...channels, shape: args.tensor('input').shape }, channels, channels, channels, channels];
    },
    step: (args) => {
      const { inputs, attributes } = withParameters(args, [
        args.tensor('running_mean'),
        args.tensor('running_var'),
      ]);
      return {
        op: 'batch_norm_training',
        inputs,
        attributes: { ...attributes, momentum: args.number('momentum') },
      };
    },
  },
  {
    /** The gradients of input, weight and bias; the last two also where there is none. */
    schema:
      'octavo::batch_norm_gradient(Tensor grad, Tensor input, Tensor? weight, Tensor save_mean, Tensor save_invstd) -> (Tensor, Tensor, Tensor)',
    infer: (args) => {
      const channels = channelsOf(args);
      return [{ ...channels, shape: args.tensor('input').shape }, channels, channels];
    },
    step: (args) => {
      const weight = args.optionalTensor('weight');
      const tensors = ['grad', 'input', 'save_mean', 'save_invstd'].map((name) => args.tensor(name));
      return {
        op: 'batch_norm_gradient',
        inputs: [...tensors, ...(weight ? [weight] : [])],
        attributes: { hasWeight: weight !== null },
      };
    },
  },
];
