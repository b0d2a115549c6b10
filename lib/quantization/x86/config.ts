import { checkOptions, type OptionNames } from '../../options.ts';
import { FakeQuantize } from '../fake-quantize/fake-quantize.ts';
import { FusedMovingAvgObsFakeQuantize } from '../fake-quantize/fused-moving-average.ts';
import { LearnableFakeQuantize } from '../fake-quantize/learnable.ts';
import {
  HistogramObserver,
  MovingAverageMinMaxObserver,
  MovingAveragePerChannelMinMaxObserver,
  MovingAveragePerChannelMSEObserver,
  type PartialObserver,
  PerChannelMinMaxObserver,
  PlaceholderObserver,
} from '../observers/index.ts';
import type { QuantizationConfig } from '../quantization-config.ts';
import { fullRangeOf } from '../quantized-dtype.ts';
import { checkRecipe, DEFAULT_RECIPE, type Recipe } from '../recipe.ts';
import { QuantizationSpec } from '../specs.ts';

/** Options of {@link getDefaultX86QuantizationConfig}. */
export interface X86QuantizationConfigOptions {
  /** Whether activation parameters are computed for each tensor at run time; nothing needs calibration then. */
  readonly isDynamic?: boolean;
  /** Whether it is for quantization aware training: fake quantizers instead of observers. */
  readonly isQat?: boolean;
  /**
   * Whether training learns scales and zero points with the model (LSQ, LSQ+), instead of following ranges; needs `isQat`, and
   * `enableRangeLearning` when they are to move.
   */
  readonly learnScales?: boolean;
  /** Bits of weights, from 2 to 8; default 8. They are int8 in any case: fewer bits make no model faster, but show what it could be. */
  readonly weightBits?: number;
  /**
   * Limits activations to 0..127, at some cost in accuracy. This makes CPUs without VNNI faster: the sum of two
   * products then fits 16 bits, and their instruction adds two products in 16 bits. Other runtimes such as PyTorch and
   * ONNX Runtime use that instruction even if sums saturate; Octavo's sums are exact either way. With VNNI there is no
   * gain.
   */
  readonly reduceRange?: boolean;
  /** Which PT2E to follow, node for node; default `torchao`, today's. */
  readonly recipe?: Recipe;
}

const configOptions: OptionNames<X86QuantizationConfigOptions> = {
  isDynamic: 'boolean',
  isQat: 'boolean',
  learnScales: 'boolean',
  weightBits: true,
  reduceRange: 'boolean',
  recipe: true,
};

/** Smallest scale of X86 recipes. */
const EPS = 2 ** -12;

/**
 * The recipe of X86 servers: u8 per-tensor affine activations, s8 per-channel symmetric weights, float32 biases
 * (counterpart: `get_default_x86_inductor_quantization_config`).
 *
 *     getDefaultX86QuantizationConfig({ isQat: true, learnScales: true, weightBits: 4 })
 * @throws Error for an unknown option or recipe, bits that there are none of, or learned scales without training.
 */
export function getDefaultX86QuantizationConfig(
  options: X86QuantizationConfigOptions = {},
): QuantizationConfig {
  checkOptions(options, configOptions, 'getDefaultX86QuantizationConfig');
  const { isDynamic = false, isQat = false, reduceRange = false, recipe = DEFAULT_RECIPE } = options;
  const { learnScales = false, weightBits = 8 } = options;
  checkRecipe(recipe, 'getDefaultX86QuantizationConfig');
  checkWeights(isQat, learnScales, weightBits);
  const common = { eps: EPS, ...(recipe === DEFAULT_RECIPE ? {} : { recipe }) };
  const fake = learnScales
    ? LearnableFakeQuantize.withArgs({
        observer: MovingAverageMinMaxObserver,
        useGradScaling: true,
        eps: EPS,
      })
    : FusedMovingAvgObsFakeQuantize.withArgs(common);
  const staticActivation = isQat ? fake : HistogramObserver.withArgs(common);
  const activation = new QuantizationSpec({
    dtype: 'uint8',
    ...(reduceRange ? { quantMin: 0, quantMax: 127 } : fullRangeOf('uint8')),
    qscheme: 'per_tensor_affine',
    isDynamic,
    observerOrFakeQuantCtr: isDynamic ? dynamicActivation(isQat) : staticActivation,
  });
  const weight = new QuantizationSpec({
    dtype: 'int8',
    quantMin: -(2 ** (weightBits - 1)),
    quantMax: 2 ** (weightBits - 1) - 1,
    qscheme: 'per_channel_symmetric',
    chAxis: 0,
    observerOrFakeQuantCtr: isQat
      ? fake.withArgs({
          // A learned scale begins where the squared error is least.
          observer: learnScales ? MovingAveragePerChannelMSEObserver : MovingAveragePerChannelMinMaxObserver,
        })
      : PerChannelMinMaxObserver.withArgs({ eps: EPS }),
  });
  return {
    inputActivation: activation,
    outputActivation: activation,
    weight,
    bias: null,
    isQat,
    recipe,
  };
}

/** Each tensor's own range: PyTorch's average of which the newest tensor is the whole. */
function dynamicActivation(isQat: boolean): PartialObserver {
  if (!isQat) return PlaceholderObserver.withArgs({ eps: EPS });
  return FakeQuantize.withArgs({
    observer: MovingAverageMinMaxObserver.withArgs({ averagingConstant: 1 }),
    eps: EPS,
  });
}

function checkWeights(isQat: boolean, learnScales: boolean, weightBits: number): void {
  const where = 'getDefaultX86QuantizationConfig';
  if (learnScales && !isQat) throw new Error(`${where}: learnScales needs isQat: only training learns`);
  if (!Number.isInteger(weightBits) || weightBits < 2 || weightBits > 8)
    throw new Error(`${where}: weightBits must be a whole number from 2 to 8, got ${weightBits}`);
}

/**
 * Linear layers with float16 weights, computed in float32 (counterpart:
 * `get_x86_inductor_linear_dynamic_fp16_config`).
 */
export function x86LinearDynamicFp16Config(): QuantizationConfig {
  const weight = new QuantizationSpec({ dtype: 'float16', observerOrFakeQuantCtr: PlaceholderObserver });
  return { inputActivation: null, outputActivation: null, weight, bias: null, isQat: false };
}
