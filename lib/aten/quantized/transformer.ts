import type { Arguments, TensorMeta } from '../../graph/index.ts';
import { attentionSamples, attentionShape } from '../layers/attention.ts';
import { matmulShape } from '../layers/linear.ts';
import { normalizedSamples, withParameters } from '../layers/normalization.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { normalizeAxis } from '../shape-rules.ts';

const output = 'float output_scale, int output_zero_point, ScalarType output_dtype';

/** Scale and zero point of the input `self` and of the result. */
const quantization = <T>(args: Arguments<T>) => ({
  xScale: args.number('x_scale'),
  xZeroPoint: args.number('x_zero_point'),
  outputScale: args.number('output_scale'),
  outputZeroPoint: args.number('output_zero_point'),
});

function inferRows(args: Arguments<TensorMeta>): TensorMeta {
  return { dtype: args.dtype('output_dtype'), shape: args.tensor('input').shape };
}

const softmaxAxis = <T extends { readonly shape: readonly unknown[] }>(args: Arguments<T>) =>
  normalizeAxis(args.number('dim'), args.tensor('input').shape.length, args.schema.name);

const softmax: NativeDefinition = {
  schema: `octavo::softmax(Tensor input, float x_scale, int x_zero_point, int dim, ${output}) -> Tensor`,
  infer: (args) => {
    softmaxAxis(args);
    return inferRows(args);
  },
  samples: (args) => (softmaxAxis(args) > 0 ? ['input'] : []),
  step: <T extends TensorLike>(args: Arguments<T>) => ({
    op: 'softmax',
    inputs: [args.tensor('input')],
    attributes: { axis: softmaxAxis(args), ...quantization(args) },
  }),
};

/**
 * The operators between the linear layers of a transformer: matrix products, attention, softmax and layer normalization. Their
 * tensors may be 8-bit integers, each with its own scale and zero point (1 and 0 for floats). Softmax and normalization
 * compute in float32, a row at a time.
 */
export const transformer: readonly OperatorDefinition[] = [
  {
    /** `a @ b` of 8-bit integers with broadcast batch extents (counterpart: `quantized::matmul`). */
    schema: `octavo::matmul(Tensor a, float a_scale, int a_zero_point, Tensor b, float b_scale, int b_zero_point, ${output}) -> Tensor`,
    infer: (args) => ({
      dtype: args.dtype('output_dtype'),
      shape: matmulShape(args.tensor('a').shape, args.tensor('b').shape),
    }),
    samples: ['a', 'b'],
    step: (args) => ({
      op: 'integer_matmul',
      inputs: [args.tensor('a'), args.tensor('b')],
      attributes: {
        aScale: args.number('a_scale'),
        aZeroPoint: args.number('a_zero_point'),
        bScale: args.number('b_scale'),
        bZeroPoint: args.number('b_zero_point'),
        outputScale: args.number('output_scale'),
        outputZeroPoint: args.number('output_zero_point'),
      },
    }),
  },
  {
    /**
     * `softmax(query key^T * scale + attn_mask) value` of 8-bit integers, with the softmax quantized before it is
     * multiplied: one step (counterpart: `torchao::qscaled_dot_product`).
     */
    schema: `octavo::qscaled_dot_product(Tensor query, float query_scale, int query_zero_point, Tensor key, float key_scale, int key_zero_point, Tensor value, float value_scale, int value_zero_point, Tensor? attn_mask, float scale, float weight_scale, int weight_zero_point, ScalarType weight_dtype, ${output}) -> Tensor`,
    infer: (args) => ({ dtype: args.dtype('output_dtype'), shape: attentionShape(args, false) }),
    samples: attentionSamples,
    step: (args) => {
      const mask = args.optionalTensor('attn_mask');
      // The step holds weights as uint8: the same numbers, 128 higher.
      const shift = args.dtype('weight_dtype') === 'int8' ? 128 : 0;
      return {
        op: 'attention',
        inputs: [args.tensor('query'), args.tensor('key'), args.tensor('value'), ...(mask ? [mask] : [])],
        attributes: {
          queryScale: args.number('query_scale'),
          queryZeroPoint: args.number('query_zero_point'),
          keyScale: args.number('key_scale'),
          keyZeroPoint: args.number('key_zero_point'),
          valueScale: args.number('value_scale'),
          valueZeroPoint: args.number('value_zero_point'),
          scale: args.number('scale'),
          weightScale: args.number('weight_scale'),
          weightZeroPoint: args.number('weight_zero_point') + shift,
          outputScale: args.number('output_scale'),
          outputZeroPoint: args.number('output_zero_point'),
        },
      };
    },
  },
  softmax,
  {
    schema: `octavo::layer_norm(Tensor input, float x_scale, int x_zero_point, SymInt[] normalized_shape, Tensor? weight, Tensor? bias, float eps, ${output}) -> Tensor`,
    infer: inferRows,
    samples: normalizedSamples,
    step: (args) => {
      const { inputs, attributes } = withParameters(args);
      const normalizedShape = args.numbers('normalized_shape');
      return {
        op: 'layer_norm',
        inputs,
        attributes: { ...attributes, normalizedShape, ...quantization(args) },
      };
    },
  },
];
