import { checkSignal } from '../abort.ts';
import { GraphModule } from '../graph/index.ts';
import { reportOf } from '../lowering/index.ts';
import { generateNumericDebugHandle } from '../numerics/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { Tensor } from '../tensor/index.ts';
import { withErrors } from './errors.ts';
import type { Models, NodeFacts, ReportFacts, SizeFacts } from './facts.ts';
import { networkOf } from './network.ts';
import type { ReportSubject } from './subject.ts';
import { measureTimes } from './timing.ts';
import { weightsOf } from './weights.ts';

/** Options of {@link collectReport}. */
export interface ReportOptions {
  /** Heading of the page; default `Quantized model`. */
  readonly title?: string;
  /** The command that makes the report again. */
  readonly command?: string;
  /** Threads that compute what is timed; default one for each core. */
  readonly threads?: number;
  /** Sizes of the models' files in bytes. */
  readonly files?: Partial<Models<number>>;
  /** Stops before the next batch. */
  readonly signal?: AbortSignal;
}

const reportOptions: OptionNames<ReportOptions> = {
  title: true,
  command: true,
  threads: true,
  files: true,
  signal: true,
};

/**
 * Collects what there is to know of a quantized model: its graph, the error of each layer, the distribution of its activations and weights,
 * the time of each step next to what this machine can do at most, and what was not fused. Runs the examples four times and the timed request
 * for some seconds. The facts are plain data: a caller that knows more, such as the accuracy, adds it.
 *
 * @example
 * const reference = await loadPt2('model.pt2');
 * generateNumericDebugHandle(reference);
 * const converted = convertPt2e(prepared);              // … of reference
 * const facts = await collectReport({ reference, model: lower(converted).module, batches: () => examples });
 * await writeFile('report.html', await renderReport({ ...facts, accuracy: { model: { correct: 912, total: 1000 } } }));
 *
 * @throws Error (rejects) when `model` is not lowered or the models cannot be compared, when there are no batches or one does not fit, or an
 * option is unknown. The signal's reason when it is aborted.
 */
export async function collectReport(
  subject: ReportSubject,
  options: ReportOptions = {},
): Promise<ReportFacts> {
  checkOptions(options, reportOptions, 'collectReport');
  checkSignal(options.signal, 'collectReport');
  const model = withOwnWeights(GraphModule.accept(subject.model, 'collectReport'));
  if (!model.meta.lowering)
    throw new Error(
      'collectReport: the model is not lowered; pass what lower() returns, or a model that was saved',
    );
  const reference = subject.reference && GraphModule.accept(subject.reference, 'collectReport').clone();
  if (reference) generateNumericDebugHandle(reference);
  const { title = 'Quantized model', command } = options;
  const { batches } = subject;
  const network = networkOf(model);
  const compared = reference
    ? await withErrors(
        network,
        { model, reference, batches },
        options.signal ? { signal: options.signal } : {},
      )
    : network;
  const nodes = withWeights(compared, weightsOf(model, reference));
  const { passes, refusals } = reportOf(model);
  return {
    title,
    ...(command === undefined ? {} : { command }),
    made: new Date().toISOString(),
    nodes,
    sizes: both(model, reference, (each, which) => sizeOf(each, options.files?.[which])),
    ...(await measureTimes({ ...subject, model }, options.threads)),
    passes: passes.filter(({ count }) => count > 0),
    refusals,
  };
}

/** A copy that keeps its weights when a model that was compiled of it frees its own. */
function withOwnWeights(module: GraphModule): GraphModule {
  const copy = module.clone();
  for (const [path, { dtype, data, shape }] of copy.attributes)
    copy.attributes.set(path, new Tensor(dtype, data, shape));
  return copy;
}

const withWeights = (nodes: readonly NodeFacts[], weights: ReturnType<typeof weightsOf>): NodeFacts[] =>
  nodes.map((node) => {
    const weight = weights.get(node.name);
    // A fused operator has the handle of its last part; the module of its weight says more.
    return weight
      ? { ...node, modulePath: weight.modulePath || node.modulePath, weight: weight.facts }
      : node;
  });

function both<T>(
  model: GraphModule,
  reference: GraphModule | undefined,
  of: (module: GraphModule, which: keyof Models<T>) => T,
): Models<T> {
  return { model: of(model, 'model'), ...(reference ? { reference: of(reference, 'reference') } : {}) };
}

function sizeOf(module: GraphModule, file: number | undefined): SizeFacts {
  const read = new Set(module.graph.nodes.filter(({ op }) => op === 'get_attr').map(({ target }) => target));
  const weights = [...read].reduce((sum, target) => sum + module.attribute(target).byteLength, 0);
  return { weights, ...(file === undefined ? {} : { file }) };
}
