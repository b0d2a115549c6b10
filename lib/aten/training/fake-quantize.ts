import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';

/** -1: per tensor. */
function axisOf(args: Arguments<{ readonly shape: readonly unknown[] }>, name = 'ch_axis'): number {
  const axis = args.number(name);
  const { shape } = args.tensor('self');
  if (axis < -1 || axis >= shape.length)
    throw new Error(`${args.schema.name}: there is no axis ${axis} in [${shape.join(', ')}]`);
  return axis;
}

function attributesOf(args: Arguments<{ readonly shape: readonly unknown[] }>) {
  return { axis: axisOf(args), quantMin: args.number('quant_min'), quantMax: args.number('quant_max') };
}

/** PyTorch's own operators name the axis, or are per tensor. */
function learnedAttributesOf(args: Arguments<{ readonly shape: readonly unknown[] }>, axisName?: string) {
  const [quantMin, quantMax] = [args.number('quant_min'), args.number('quant_max')];
  if (quantMin > 0 || quantMax < 0)
    throw new Error(`${args.schema.name}: the range [${quantMin}, ${quantMax}] must hold zero`);
  const axis = axisName === undefined ? -1 : axisOf(args, axisName);
  return { axis, quantMin, quantMax, gradFactor: args.number('grad_factor') };
}

const perChannel = (args: Arguments<{ readonly shape: readonly unknown[] }>) => axisOf(args) >= 0;

function float32Of(args: Arguments<TensorMeta>): TensorMeta {
  const self = args.tensor('self');
  if (self.dtype !== 'float32')
    throw new Error(`${args.schema.name}: fake quantization is of float32, got ${self.dtype}`);
  return self;
}

const tensors = <T>(args: Arguments<T>, ...names: readonly string[]): T[] =>
  names.map((name) => args.tensor(name));

/** The value under its name, if there is one. */
const given = <V>(name: string, value: V | null) => (value === null ? {} : { [name]: value });

/** The gradients of the tensor, the scale and the zero point. */
const learnedGradients = (args: Arguments<TensorMeta>): readonly TensorMeta[] => [
  float32Of(args),
  args.tensor('scale'),
  args.tensor('zero_point'),
];

/**
 * PyTorch's operators of learned parameters: per tensor, or along an axis. Gradients take the zero point as the result does, rounded to
 * the nearest integer; PyTorch's per tensor rounds it otherwise at halves and below 0.
 */
function learned(kind: 'tensor' | 'channel'): readonly OperatorDefinition[] {
  const [axis, axisName, suffix] =
    kind === 'tensor' ? (['', undefined, ''] as const) : (['int axis, ', 'axis', '_per_channel'] as const);
  const name = `aten::_fake_quantize_learnable_per_${kind}_affine`;
  const rest = `Tensor self, Tensor scale, Tensor zero_point, ${axis}int quant_min, int quant_max, float grad_factor=1.0`;
  return [
    {
      schema: `${name}(${rest}) -> Tensor`,
      infer: float32Of,
      step: (args) => ({
        op: `affine_fake_quantize${suffix}`,
        inputs: tensors(args, 'self', 'scale', 'zero_point'),
        attributes: learnedAttributesOf(args, axisName),
      }),
    },
    {
      schema: `${name}_backward(Tensor grad, ${rest}) -> (Tensor, Tensor, Tensor)`,
      infer: learnedGradients,
      step: (args) => ({
        op: `learnable_fake_quantize_gradient${suffix}`,
        inputs: tensors(args, 'grad', 'self', 'scale', 'zero_point'),
        attributes: learnedAttributesOf(args, axisName),
      }),
    },
  ];
}

/** Operators of the modules' own, which have switches. */
const PARAMETERS = 'Tensor scale, Tensor zero_point, Tensor fake_quant_on';
const RANGE = 'int quant_min, int quant_max, int ch_axis';

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
  {
    /**
     * Moves the range by the tensor's, and returns it with the scale and the zero point that follow from it. Without
     * `averaging_const` it grows to hold the tensor's, which is that of all elements or, with `searches`, the part of it that has the
     * least squared error. Switched off, the state stays, except that scales are at least `smallest_scale`, and that a range which has
     * seen nothing takes its first tensor. `symmetric_zero_point` is that of symmetric schemes.
     */
    schema:
      'octavo::observe_range(Tensor self, Tensor observer_on, Tensor running_min, Tensor running_max, Tensor scale, Tensor zero_point, float? averaging_const, bool searches, float eps, float smallest_scale, int quant_min, int quant_max, int ch_axis, int? symmetric_zero_point) -> (Tensor, Tensor, Tensor, Tensor)',
    infer: (args) => {
      float32Of(args);
      return tensors(args, 'running_min', 'running_max', 'scale', 'zero_point');
    },
    step: (args) => ({
      op: 'observe_range',
      inputs: tensors(args, 'self', 'observer_on', 'running_min', 'running_max', 'scale', 'zero_point'),
      attributes: {
        ...attributesOf(args),
        ...given('averagingConstant', args.optionalNumber('averaging_const')),
        ...given('symmetricZeroPoint', args.optionalNumber('symmetric_zero_point')),
        searches: args.bool('searches'),
        eps: args.number('eps'),
        smallestScale: args.number('smallest_scale'),
      },
    }),
  },
  {
    /** The tensor rounded by given parameters. Its gradient is `octavo.fake_quantize_gradient`. */
    schema: `octavo::affine_fake_quantize(Tensor self, ${PARAMETERS}, ${RANGE}) -> Tensor`,
    infer: float32Of,
    step: (args) => ({
      op: perChannel(args) ? 'affine_fake_quantize_per_channel' : 'affine_fake_quantize',
      inputs: tensors(args, 'self', 'scale', 'zero_point', 'fake_quant_on'),
      attributes: attributesOf(args),
    }),
  },
  {
    /** The same by parameters that are learned while `learning_on` says so. */
    schema: `octavo::learnable_fake_quantize(Tensor self, ${PARAMETERS}, Tensor learning_on, ${RANGE}, float grad_factor) -> Tensor`,
    infer: float32Of,
    step: (args) => ({
      op: perChannel(args) ? 'affine_fake_quantize_per_channel' : 'affine_fake_quantize',
      inputs: tensors(args, 'self', 'scale', 'zero_point', 'fake_quant_on'),
      attributes: learnedAttributesOf(args, 'ch_axis'),
    }),
  },
  {
    /** The gradients of tensor, scale and zero point; the latter two are 0 while nothing is learned. */
    schema: `octavo::learnable_fake_quantize_gradient(Tensor grad, Tensor self, ${PARAMETERS}, Tensor learning_on, ${RANGE}, float grad_factor) -> (Tensor, Tensor, Tensor)`,
    infer: learnedGradients,
    step: (args) => ({
      op: perChannel(args)
        ? 'learnable_fake_quantize_gradient_per_channel'
        : 'learnable_fake_quantize_gradient',
      inputs: tensors(args, 'grad', 'self', 'scale', 'zero_point', 'fake_quant_on', 'learning_on'),
      attributes: learnedAttributesOf(args, 'ch_axis'),
    }),
  },
  ...learned('tensor'),
  ...learned('channel'),
];
