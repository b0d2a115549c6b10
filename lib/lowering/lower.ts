import { GraphModule } from '../graph/index.ts';
import { type Pass, PassContext } from './pass.ts';
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
import { lookupTable } from './passes/lookup-table.ts';
import { mergeEqualCalls } from './passes/merge-equal-calls.ts';
import { nameFloatIslands } from './passes/name-float-islands.ts';
import { quantizedConvolution } from './passes/quantized-convolution.ts';
import { quantizedLinear } from './passes/quantized-linear.ts';
import { removeIdentities } from './passes/remove-identities.ts';
import { removeUnused } from './passes/remove-unused.ts';
import { sinkDequantize } from './passes/sink-dequantize.ts';
import { formatRefusals, type LoweringReport, reportOf } from './report.ts';

/** How to lower. */
export interface LowerOptions {
  /** Throw where a quantized pattern cannot run on 8-bit integers, instead of reporting it. */
  readonly strict?: boolean;
}

/** A lowered graph and what was done to get it. */
export interface Lowered {
  readonly module: GraphModule;
  readonly report: LoweringReport;
}

/** Passes in the order they run. Those of one stage repeat until none of them finds anything to do. */
const stages: readonly (readonly Pass[])[] = [
  [canonicalCalls],
  [removeIdentities],
  [removeUnused],
  [foldBatchNorm],
  // Quantize goes up, dequantize goes down, what meets cancels: data then moves as 8-bit integers.
  [foldConstants, mergeEqualCalls, liftQuantize, sinkDequantize, cancelRequantize, integerAveragePool],
  [quantizedConvolution],
  [quantizedLinear],
  [floatConvolution],
  [floatLinear],
  // A pointwise function cannot stand between an operator and the addition fused into it, so additions come first.
  [fuseAddition],
  [binaryArithmetic],
  [batchNormalization],
  [fuseUnary],
  [fuseQuantize],
  [lookupTable],
  [removeUnused],
  [foldDequantizedConstants],
  [nameFloatIslands],
];

/**
 * Rewrites a graph of ATen operators, float or with quantize and dequantize (from `convertPt2e`), into the fused
 * `onednn.*` and `mkldnn.*` operators that oneDNN computes in one primitive each (counterpart: the freezing and
 * post-grad passes of PyTorch's Inductor on x86). The given graph stays as it is; weights are shared with it.
 * @throws Error when an operator is not supported or an input's shape is unknown; with `strict`, one that lists every
 * quantized pattern that was left in float, each with the reason.
 */
export function lower(module: GraphModule, options: LowerOptions = {}): Lowered {
  const lowered = GraphModule.accept(module, 'lower').clone();
  const context = new PassContext(lowered);
  for (const stage of stages) {
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
