import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';

/** -1: per tensor. */
function axisOf(args: Arguments<{ readonly shape: readonly unknown[] }>): number {
  const axis = args.number('ch_axis');
  const { shape } = args.tensor('self');
  if (axis < -1 || axis >= shape.length)
    throw new Error(`${args.schema.name}: there is no axis ${axis} in [${shape.join(', ')}]`);
  return axis;
}

function attributesOf(args: Arguments<{ readonly shape: readonly unknown[] }>) {
  return { axis: axisOf(args), quantMin: args.number('quant_min'), quantMax: args.number('quant_max') };
}

const perChannel = (args: Arguments<{ readonly shape: readonly unknown[] }>) => axisOf(args) >= 0;

function float32Of(args: Arguments<TensorMeta>): TensorMeta {
  const self = args.tensor('self');
  if (self.dtype !== 'float32')
    throw new Error(`${args.schema.name}: fake quantization is of float32, got ${self.dtype}`);
  return self;
}

/**
 * Quantization simulated in floating point, for training (counterpart: `_fused_moving_avg_obs_fq_helper_functional`, whose mask
 * the gradient computes again instead of keeping it).
 */
export const fakeQuantization: readonly OperatorDefinition[] = [
  {
    /**
     * Returns the tensor and the new state: the moving average of the range, the scale and the zero point, each of one element or
     * one a channel. `ch_axis` -1 is per tensor.
     */
    schema:
      'octavo::fake_quantize(Tensor self, Tensor observer_on, Tensor fake_quant_on, Tensor running_min, Tensor running_max, Tensor scale, Tensor zero_point, float averaging_const, int quant_min, int quant_max, int ch_axis, bool symmetric_quant) -> (Tensor, Tensor, Tensor, Tensor, Tensor)',
    infer: (args) => {
      const state = ['running_min', 'running_max', 'scale', 'zero_point'].map((name) => args.tensor(name));
      return [float32Of(args), ...state];
    },
    step: (args) => {
      const names = ['self', 'observer_on', 'fake_quant_on', 'running_min', 'running_max', 'scale'];
      return {
        op: perChannel(args) ? 'fake_quantize_per_channel' : 'fake_quantize',
        inputs: [...names, 'zero_point'].map((name) => args.tensor(name)),
        attributes: {
          ...attributesOf(args),
          averagingConstant: args.number('averaging_const'),
          symmetric: args.bool('symmetric_quant'),
        },
      };
    },
  },
  {
    /** `grad` where the tensor was not clamped (straight through), else 0. */
    schema:
      'octavo::fake_quantize_gradient(Tensor grad, Tensor self, Tensor fake_quant_on, Tensor scale, Tensor zero_point, int quant_min, int quant_max, int ch_axis) -> Tensor',
    infer: float32Of,
    step: (args) => ({
      op: perChannel(args) ? 'fake_quantize_gradient_per_channel' : 'fake_quantize_gradient',
      inputs: ['grad', 'self', 'fake_quant_on', 'scale', 'zero_point'].map((name) => args.tensor(name)),
      attributes: attributesOf(args),
    }),
  },
];
