import type { GraphModule } from '../graph/index.ts';
import { type Lowered, type LowerOptions, lower } from '../lowering/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { type CompileOptions, compile, type ModelInputs, type Tuning } from '../runtime/index.ts';
import { chooseLayers } from './choose.ts';
import { bestParts, bestThreads } from './counts.ts';
import { bestKernels } from './kernels.ts';
import { ModelPair } from './model-pair.ts';
import { raceByDifferingSteps } from './race.ts';

/** Options of {@link tune}. */
export interface TuneOptions extends Omit<LowerOptions, 'keepFloat'> {
  /** Threads that the model will have; by default those that `compile` takes. */
  readonly threadsPerStream?: number;
  /** Called after each layer. */
  readonly onProgress?: (done: number, total: number) => void;
}

const tuneOptions: OptionNames<TuneOptions> = {
  strict: true,
  autocast: true,
  threadsPerStream: true,
  onProgress: true,
};

/** A lowered graph with what was decided about it. */
export interface Tuned extends Lowered {
  /** Give it to `compile` together with the graph. */
  readonly tuning: Tuning;
}

/**
 * Lowers a quantized graph as `lower` does, and decides by measurement on this machine where there are two ways: each
 * quantized convolution and linear layer on 8-bit integers or in floating point, the number of threads, whether a batch
 * is computed in parts, and the implementation of each convolution. A change is kept when its gain exceeds the noise.
 * Results come no further from the quantized graph's: it is computed in float itself.
 * @param module from `convertPt2e`.
 * @param inputs such as the model will be given most: of the same shapes, and with values whose results are finite numbers,
 *   since a kernel is chosen only if it gives the same.
 * @throws Error as `lower` and `compile` do, and when the inputs do not fit the model or an option is unknown.
 */
export function tune(module: GraphModule, inputs: ModelInputs, options: TuneOptions = {}): Tuned {
  checkOptions(options, tuneOptions, 'tune');
  const { threadsPerStream, onProgress, ...lowering } = options;
  const compiling: CompileOptions = threadsPerStream === undefined ? {} : { threadsPerStream };
  const lowerWith = (keepFloat: readonly string[]) => lower(module, { ...lowering, keepFloat });
  const candidates = integerLayers(lowerWith([]));
  using models = new ModelPair((keepFloat) => compile(lowerWith(keepFloat).module, compiling));
  let done = 0;
  const layers = chooseLayers(candidates, (current, challenger) => {
    const paired = raceByDifferingSteps(...models.get(current, challenger), inputs);
    onProgress?.(++done, candidates.length);
    return paired;
  });
  const lowered = lowerWith(layers.filter(({ choice }) => choice === 'float').map(({ node }) => node));
  const threads = bestThreads(lowered.module, inputs, compiling);
  const parts = bestParts(lowered.module, inputs, compiling, threads);
  const kernels = bestKernels(lowered.module, inputs, compiling, { layers, threads, parts, kernels: [] });
  return { ...lowered, tuning: { layers, threads, parts, kernels } };
}

/** Names of the layers that a lowered graph computes on 8-bit integers. */
function integerLayers({ module, report }: Lowered): string[] {
  const integers = new Set(
    module.graph.nodes.filter(({ target }) => /^onednn\.q(conv|linear)/.test(target)).map(({ name }) => name),
  );
  return report.nodes
    .filter(({ target }) => /^aten\.(conv|linear)/.test(target))
    .filter(({ computedBy }) => computedBy.some((name) => integers.has(name)))
    .map(({ node }) => node);
}
