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
export interface TuneOptions extends Omit<LowerOptions, 'keepFloat' | 'mergeLinears'> {
  /** Number of threads that the model will have; by default `compile`'s default. */
  readonly threadsPerStream?: number;
  /** Called after each layer. */
  readonly onProgress?: (done: number, total: number) => void;
}

const tuneOptions: OptionNames<TuneOptions> = {
  strict: 'boolean',
  autocast: true,
  threadsPerStream: true,
  onProgress: true,
};

/** A lowered graph with the decisions about it. */
export interface Tuned extends Lowered {
  /** Pass it to `compile` together with the graph. */
  readonly tuning: Tuning;
}

/**
 * Lowers a quantized graph like `lower`, and decides by measurement on this machine: whether each quantized convolution
 * and linear layer runs on 8-bit integers or in floating point, the number of threads, whether a batch is computed in
 * parts, and the implementation of each convolution. A change is kept if its gain exceeds the noise. It does not make
 * results less accurate: a layer in floating point is closer to the quantized graph, which computes in float.
 * @param module from `convertPt2e`.
 * @param inputs typical inputs: of the shapes that the model will receive, and with finite results, because a kernel is
 * chosen only if its results agree.
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
