import type { Arguments, TensorMeta } from '../../graph/index.ts';
import { linearShape } from '../layers/linear.ts';
import { fusedUnary, unaryNames } from '../pointwise/pointwise.ts';
import { constantFloats, type NativeDefinition, type OperatorDefinition } from '../registry.ts';

/** The result: in the input's dtype, regardless of the weight's. */
function inferLinear(args: Arguments<TensorMeta>, input: string, weight: string): TensorMeta {
  const x = args.tensor(input);
  return { dtype: x.dtype, shape: linearShape(x.shape, args.tensor(weight).shape) };
}

/** A linear layer with a float16 weight, and relu if `unary` says so. */
function float16Linear(name: string, unary: 'none' | 'relu'): NativeDefinition {
  return {
    schema: `onednn::${name}(Tensor X, Tensor W, Tensor? bias) -> Tensor`,
    infer: (args) => {
      const { dtype } = args.tensor('W');
      if (dtype !== 'float16') throw new Error(`${args.schema.name}: W must be float16, got ${dtype}`);
      return inferLinear(args, 'X', 'W');
    },
    samples: ['X'],
    step: (args) => {
      const bias = args.optionalTensor('bias');
      return {
        op: 'weight_only_linear',
        inputs: [args.tensor('X'), args.tensor('W'), ...(bias ? [bias] : [])],
        attributes: { hasBias: bias !== null, unary },
      };
    },
  };
}

function checkInt8(args: Arguments<TensorMeta>, weight: string): void {
  const { dtype } = args.tensor(weight);
  if (dtype !== 'int8') throw new Error(`${args.schema.name}: ${weight} must be int8, got ${dtype}`);
}

/**
 * Linear layers whose weight alone is stored in fewer bits, plain and [out, in]. Sums are in float32. Scales are
 * constants of the graph.
 */
export const weightOnly: readonly OperatorDefinition[] = [
  {
    /** `unary(x @ w.T * w_scale + bias)`: an int8 weight with one scale, or one for each output channel. */
    schema:
      'octavo::weight_only_linear(Tensor x, Tensor w, Tensor w_scale, Tensor? bias, str attr, Scalar?[] scalars, str? algorithm) -> Tensor',
    infer: (args) => {
      checkInt8(args, 'w');
      return inferLinear(args, 'x', 'w');
    },
    samples: ['x'],
    step: (args) => {
      const bias = args.optionalTensor('bias');
      return {
        op: 'weight_only_linear',
        inputs: [args.tensor('x'), args.tensor('w'), ...(bias ? [bias] : [])],
        attributes: {
          hasBias: bias !== null,
          weightScales: constantFloats(args.tensor('w_scale'), 'w_scale'),
          ...fusedUnary(args, unaryNames.layer),
        },
      };
    },
  },
  {
    schema: 'aten::_weight_int8pack_mm(Tensor self, Tensor mat2, Tensor scales) -> Tensor',
    infer: (args) => {
      const { shape } = args.tensor('self');
      if (shape.length !== 2)
        throw new Error(`${args.schema.name}: self must be a matrix, got [${shape.join(', ')}]`);
      checkInt8(args, 'mat2');
      return inferLinear(args, 'self', 'mat2');
    },
    samples: ['self'],
    step: (args) => ({
      op: 'weight_only_linear',
      inputs: [args.tensor('self'), args.tensor('mat2')],
      attributes: { weightScales: constantFloats(args.tensor('scales'), 'scales') },
    }),
  },
  float16Linear('linear_dynamic_fp16', 'none'),
  float16Linear('linear_relu_dynamic_fp16', 'relu'),
];
