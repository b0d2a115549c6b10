import { withParameters } from '../layers/normalization.ts';
import { fusedUnary, unaryNames } from '../pointwise/pointwise.ts';
import type { OperatorDefinition } from '../registry.ts';
import { broadcastShapes } from '../shape-rules.ts';

/** Operators of lowered graphs that exist neither in ATen nor in `onednn.*`. */
export const octavo: readonly OperatorDefinition[] = [
  {
    /**
     * `unary(a op alpha * b)` with broadcasting; `operation` is add, sub, mul, div, max or min. Each of the three
     * tensors may be 8-bit integers with its own scale and zero point; float32 tensors have scale 1 and zero point 0.
     */
    schema:
      'octavo::binary(Tensor a, float a_scale, int a_zero_point, Tensor b, float b_scale, int b_zero_point, str operation, Scalar alpha, float output_scale, int output_zero_point, ScalarType output_dtype, str attr, Scalar?[] scalars, str? algorithm) -> Tensor',
    infer: (args) => ({
      dtype: args.dtype('output_dtype'),
      shape: broadcastShapes(args.tensor('a').shape, args.tensor('b').shape, 'octavo.binary'),
    }),
    samples: ['a', 'b'],
    step: (args) => ({
      op: 'binary',
      inputs: [args.tensor('a'), args.tensor('b')],
      attributes: {
        algorithm: args.string('operation'),
        alpha: args.number('alpha'),
        aScale: args.number('a_scale'),
        aZeroPoint: args.number('a_zero_point'),
        bScale: args.number('b_scale'),
        bZeroPoint: args.number('b_zero_point'),
        outputScale: args.number('output_scale'),
        outputZeroPoint: args.number('output_zero_point'),
        ...fusedUnary(args, unaryNames.layer),
      },
    }),
  },
  {
    /**
     * `unary(batch_norm(input))` with running statistics. `input` and the result may be 8-bit integers, each with its
     * own scale and zero point.
     */
    schema:
      'octavo::batch_norm(Tensor input, float x_scale, int x_zero_point, Tensor? weight, Tensor? bias, Tensor running_mean, Tensor running_var, float eps, float output_scale, int output_zero_point, ScalarType output_dtype, str attr, Scalar?[] scalars, str? algorithm) -> Tensor',
    infer: (args) => {
      // Of NaN, no integer is the right one.
      if (Number.isNaN(args.number('eps')))
        throw new Error(`${args.schema.name}: eps must be a number, got NaN`);
      return { dtype: args.dtype('output_dtype'), shape: args.tensor('input').shape };
    },
    samples: ['input'],
    step: (args) => {
      const { inputs, attributes } = withParameters(args, [
        args.tensor('running_mean'),
        args.tensor('running_var'),
      ]);
      const quantization = {
        xScale: args.number('x_scale'),
        xZeroPoint: args.number('x_zero_point'),
        outputScale: args.number('output_scale'),
        outputZeroPoint: args.number('output_zero_point'),
      };
      return {
        op: 'batch_norm',
        inputs,
        attributes: { ...attributes, ...quantization, ...fusedUnary(args, unaryNames.layer) },
      };
    },
  },
  {
    /** `table[byte]` for every byte of an 8-bit tensor: any function of one 8-bit integer. `table` has 256 entries. */
    schema: 'octavo::lookup(Tensor self, Tensor table) -> Tensor',
    infer: (args) => ({ dtype: args.tensor('table').dtype, shape: args.tensor('self').shape }),
    samples: ['self'],
    step: (args) => ({ op: 'lookup', inputs: [args.tensor('self'), args.tensor('table')], attributes: {} }),
  },
  {
    /**
     * The average over each channel of an image, each value quantized first; the result has the same parameters
     * (`quantize_per_tensor`, then `adaptive_avg_pool2d` to one pixel).
     */
    schema:
      'octavo::quantized_average(Tensor self, float scale, int zero_point, int quant_min, int quant_max, ScalarType dtype) -> Tensor',
    infer: (args) => {
      const { shape } = args.tensor('self');
      if (shape.length !== 4)
        throw new Error(`octavo.quantized_average: [N, C, H, W] expected, got [${shape.join(', ')}]`);
      return { dtype: args.dtype('dtype'), shape: [shape[0], shape[1], 1, 1] };
    },
    samples: ['self'],
    step: (args) => ({
      op: 'quantized_average',
      inputs: [args.tensor('self')],
      attributes: {
        scale: args.number('scale'),
        zeroPoint: args.number('zero_point'),
        quantMin: args.number('quant_min'),
        quantMax: args.number('quant_max'),
      },
    }),
  },
];
