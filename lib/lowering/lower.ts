import { convolutionOperators } from '../backend/index.ts';
import { whyNoFastBfloat16 } from '../cpu/fast-bfloat16.ts';
import { computeFeatures } from '../cpu/features.ts';
import { GraphModule } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { refuseTrainingMode } from '../transforms/training-mode.ts';
import { type Pass, PassContext } from './pass.ts';
import { absorbCasts } from './passes/absorb-casts.ts';
import { autocast } from './passes/autocast.ts';
import { batchNormalization } from './passes/batch-normalization.ts';
import { binaryArithmetic } from './passes/binary-arithmetic.ts';
import { cancelRequantize } from './passes/cancel-requantize.ts';
import { canonicalCalls } from './passes/canonical-calls.ts';
import { floatConvolution } from './passes/float-convolution.ts';
import { floatLinear } from './passes/float-linear.ts';
import { foldBatchNorm } from './passes/fold-batch-norm.ts';
import { foldConstants, foldDequantizedConstants } from './passes/fold-constants.ts';
import { fuseAddition } from './passes/fuse-addition.ts';
import { fuseQuantize } from './passes/fuse-quantize.ts';
import { fuseUnary } from './passes/fuse-unary.ts';
import { integerAveragePool } from './passes/integer-average-pool.ts';
import { liftQuantize } from './passes/lift-quantize.ts';
import { linearDynamicFp16 } from './passes/linear-dynamic-fp16.ts';
import { lookupTable } from './passes/lookup-table.ts';
import { mergeEqualCalls } from './passes/merge-equal-calls.ts';
import { mergeLinears } from './passes/merge-linears.ts';
import { nameFloatIslands } from './passes/name-float-islands.ts';
import { quantizedAttention } from './passes/quantized-attention.ts';
import { quantizedAverage } from './passes/quantized-average.ts';
import { quantizedConvolution } from './passes/quantized-convolution.ts';
import { quantizedEmbedding } from './passes/quantized-embedding.ts';
import { quantizedLinear } from './passes/quantized-linear.ts';
import { quantizedMatmul } from './passes/quantized-matmul.ts';
import { quantizedRecurrent } from './passes/quantized-recurrent.ts';
import { recognizeIntegerProduct } from './passes/recognize-integer-product.ts';
import { recognizeLinear } from './passes/recognize-linear.ts';
import { recognizeScaledWeight } from './passes/recognize-scaled-weight.ts';
import { removeIdentities } from './passes/remove-identities.ts';
import { removeUnused } from './passes/remove-unused.ts';
import { requantizedAverage } from './passes/requantized-average.ts';
import { rowFunctions } from './passes/row-functions.ts';
import { sinkDequantize } from './passes/sink-dequantize.ts';
import { splitAsymmetricWeight } from './passes/split-asymmetric-weight.ts';
import { weightOnlyLinear } from './passes/weight-only-linear.ts';
import { formatRefusals, type LoweringReport, reportOf } from './report.ts';

/** The dtype that products of floats are cast to, and whether to cast on every CPU. */
export interface AutocastOptions {
  readonly dtype: 'bfloat16';
  /**
   * Casts even if bfloat16 is not faster than float32 on this CPU: for models that will run on another CPU, and to
   * measure their accuracy. Such a CPU computes in float32 and rounds each result.
   */
  readonly force?: boolean;
}

/** Options of {@link lower}. */
export interface LowerOptions {
  /** Throws if a quantized pattern cannot run on 8-bit integers, instead of reporting it. */
  readonly strict?: boolean;
  /**
   * Makes convolutions, linear layers and matrix products compute in bfloat16 if they are not quantized, and return
   * bfloat16 if they are (counterpart: `torch.autocast(device_type='cpu', dtype=torch.bfloat16)`). Graph inputs and
   * outputs keep their dtype.
   */
  readonly autocast?: AutocastOptions['dtype'] | AutocastOptions | undefined;
  /**
   * Names of quantized convolutions and linear layers that compute in floating point nevertheless: each dequantizes its
   * input, uses its dequantized weight, and quantizes its result if the graph does. For layers that are not faster on
   * 8-bit integers; `tune` finds them.
   */
  readonly keepFloat?: readonly string[];
  /**
   * Computes quantized linear layers of one input, such as query, key and value of attention, as one layer whose weight has
   * the rows of all, with slices of its result (counterpart: torchao's `register_quantized_concat_linear_cpu_pass`). The
   * results are the same bit for bit: layers are merged whose weights have a scale for each row, and whose results are of
   * one dtype and one scale, float32 if nothing quantizes them. torchao gives different ones a common scale, which changes
   * numbers; here these stay apart. Fewer, larger products suit small batches; what reads a part of the result may have to
   * copy it first, so measure. Default: false.
   */
  readonly mergeLinears?: boolean;
}

const lowerOptions: OptionNames<LowerOptions> = {
  strict: 'boolean',
  autocast: true,
  keepFloat: true,
  mergeLinears: 'boolean',
};

/** A lowered graph and its report. */
export interface Lowered {
  readonly module: GraphModule;
  readonly report: LoweringReport;
}

/** Passes in execution order. Those of one stage repeat until none of them changes anything. */
const stages: readonly (readonly Pass[])[] = [
  [canonicalCalls],
  [removeIdentities],
  [removeUnused],
  [foldBatchNorm],
  // Finds linear layers in any form, before the constants by which they are recognized are folded.
  [recognizeLinear],
  [recognizeScaledWeight],
  [recognizeIntegerProduct],
  [linearDynamicFp16],
  // Quantize moves up, dequantize moves down, and adjacent pairs cancel. Data then moves as 8-bit integers.
  [
    ...[foldConstants, mergeEqualCalls, liftQuantize, sinkDequantize, cancelRequantize],
    ...[requantizedAverage, integerAveragePool],
  ],
  [splitAsymmetricWeight],
  [quantizedConvolution],
  [quantizedLinear],
  [quantizedRecurrent],
  [weightOnlyLinear],
  [quantizedMatmul],
  [quantizedEmbedding],
  [floatConvolution],
  [floatLinear],
  // A pointwise function between an operator and an addition would prevent their fusion, so additions come first.
  [fuseAddition],
  [binaryArithmetic],
  [batchNormalization],
  [rowFunctions],
  [fuseUnary],
  [fuseQuantize],
  [quantizedAttention],
  [quantizedAverage],
  [lookupTable],
  [removeUnused],
  [foldDequantizedConstants],
];

/** Stages after products are cast: casts of weights are folded, and equal casts of one value are merged. */
const castingStages: readonly (readonly Pass[])[] = [
  [autocast],
  [mergeEqualCalls],
  [absorbCasts],
  [foldConstants],
  [removeUnused],
];

/**
 * Rewrites a graph of ATen operators, float or with quantize and dequantize (from `convertPt2e`), into the fused
 * `onednn.*` and `mkldnn.*` operators that oneDNN computes in one primitive each (counterpart: the freezing and
 * post-grad passes of PyTorch's Inductor on x86). The original graph is not changed; both graphs share weights.
 * @throws Error when an operator is not supported, an input's shape is unknown, an option is unknown, or `keepFloat`
 * names no layer. With `strict`, an Error that lists every quantized pattern that stayed in float, with the reason.
 * With `autocast` that is not forced, an Error that says why bfloat16 is not fast on this CPU.
 */
export function lower(module: GraphModule, options: LowerOptions = {}): Lowered {
  checkOptions(options, lowerOptions, 'lower');
  const lowered = GraphModule.accept(module, 'lower').clone();
  refuseTrainingMode(lowered, 'lower');
  const casts = checkAutocast(options.autocast);
  const context = new PassContext(lowered, checkLayers(lowered, options.keepFloat ?? []));
  const last = [...(options.mergeLinears ? [[mergeLinears]] : []), [nameFloatIslands]];
  for (const stage of [...stages, ...(casts ? castingStages : []), ...last]) {
    let changed: number;
    do {
      changed = 0;
      for (const pass of stage) changed += context.apply(pass);
    } while (changed > 0 && stage.length > 1);
  }
  lowered.deleteUnused();
  lowered.graph.lint();
  lowered.meta.lowering = context.record();
  const report = reportOf(lowered);
  if (options.strict && report.refusals.length > 0)
    throw new Error(
      `lower: ${report.refusals.length} quantized patterns stay in float:\n${formatRefusals(report.refusals)}`,
    );
  return { module: lowered, report };
}

/**
 * Whether products are cast.
 * @throws Error when a cast is requested but would not be faster.
 */
function checkAutocast(option: LowerOptions['autocast']): boolean {
  if (option === undefined) return false;
  const isObject = typeof option === 'object' && option !== null;
  if (isObject) checkOptions(option, { dtype: true, force: 'boolean' }, 'lower: autocast');
  const { dtype, force = false }: AutocastOptions = isObject ? option : { dtype: option };
  if (dtype !== 'bfloat16') throw new Error(`lower: autocast must be 'bfloat16', got '${String(dtype)}'`);
  const reason = force ? undefined : whyNoFastBfloat16(computeFeatures());
  if (reason)
    throw new Error(
      `lower: autocast to bfloat16 would be slower than float32: ${reason}; ` +
        "for a model that will run on another CPU, force it (autocast: { dtype: 'bfloat16', force: true })",
    );
  return true;
}

const layers: ReadonlySet<string> = new Set([...convolutionOperators, 'aten.linear.default']);

function checkLayers({ graph }: GraphModule, names: readonly string[]): ReadonlySet<string> {
  const known = new Set(graph.nodes.filter(({ target }) => layers.has(target)).map(({ name }) => name));
  for (const name of names)
    if (!known.has(name))
      throw new Error(
        `lower: keepFloat: there is no convolution or linear layer '${name}'; there are ${[...known].join(', ')}`,
      );
  return new Set(names);
}
