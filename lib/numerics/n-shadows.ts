import { checkSignal, untilAborted } from '../abort.ts';
import { GraphModule, type ModelInputs } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { calibrate, checkBatches } from '../quantization/calibrate.ts';
import { convertPt2e, preparePt2e, type Quantizer } from '../quantization/index.ts';
import type { Tensor } from '../tensor/index.ts';
import type { NodeOfModel } from './compared-graph.ts';
import { comparisonOf } from './comparison.ts';
import { nodesByHandle } from './debug-handles.ts';
import { type Differences, RunningComparison } from './running-comparison.ts';

/** What a shadow of a layer gave. */
export interface ShadowResult {
  /** SQNR in decibels, one a batch; the signal is the shadow's value. */
  readonly comparisons: readonly number[];
  /** One a batch that was run while loggers saved activations. */
  readonly values: readonly Tensor[];
}

/** A layer with its shadows. */
export interface LayerResult {
  readonly refNodeName: string;
  /** The operator: `aten.conv2d.default`. */
  readonly refNodeTarget: string;
  /** Path of the module that the layer comes from; empty if unknown. */
  readonly refModulePath: string;
  /** Of the float model. */
  readonly values: readonly Tensor[];
  /** By the candidate's name. */
  readonly candidates: ReadonlyMap<string, ShadowResult>;
}

/** The same, while loggers add to it. */
interface LoggedLayer extends LayerResult {
  readonly values: Tensor[];
  readonly candidates: Map<
    string,
    ShadowResult & { readonly comparisons: number[]; readonly values: Tensor[] }
  >;
}

/** Options of {@link NShadowsModel.run}. */
export interface NShadowsRunOptions {
  /** Called after every batch with the number of batches done. */
  readonly onProgress?: (batches: number) => void;
  /** Stops before the next batch, also while that is still to come, and closes the iterator. */
  readonly signal?: AbortSignal;
}

const runOptions: OptionNames<NShadowsRunOptions> = { onProgress: true, signal: true };

/** A float model, and for each of its layers a shadow a candidate, which is given the layer's own inputs. */
export class NShadowsModel {
  readonly reference: GraphModule;
  /** By name, the float model prepared as the candidate says, later converted. */
  readonly candidates: Map<string, GraphModule>;
  isConverted = false;
  loggersEnabled = false;
  savesActivations = false;
  /** Of each candidate, in order. */
  readonly #quantized: readonly ReadonlySet<number>[];
  readonly #layers = new Map<number, LoggedLayer>();

  constructor(reference: GraphModule, candidates: ReadonlyMap<string, GraphModule>) {
    this.reference = reference;
    this.candidates = new Map(candidates);
    this.#quantized = [...candidates.values()].map(quantizedHandles);
  }

  /** What the loggers have kept, by handle. */
  get layers(): ReadonlyMap<number, LayerResult> {
    return this.#layers;
  }

  /**
   * Runs the model on batches (what a PyTorch script writes as `model(batch)`). Before it is converted, the observers of all candidates see
   * the float model's values; after that, all candidates are computed in one native plan, and the enabled loggers compare.
   * @param batches as for `calibrate`.
   * @returns the number of batches.
   * @throws Error when there are no batches or, after conversion, no loggers are enabled; or that says which batch, and which input or node.
   */
  async run(
    batches: AsyncIterable<ModelInputs> | Iterable<ModelInputs>,
    options: NShadowsRunOptions = {},
  ): Promise<number> {
    checkOptions(options, runOptions, 'NShadowsModel.run');
    checkSignal(options.signal, 'NShadowsModel.run');
    checkBatches(batches, 'NShadowsModel.run');
    if (this.isConverted && !this.loggersEnabled)
      throw new Error(
        'NShadowsModel.run: no loggers are enabled, so nothing is compared; call loggersSetEnabled first',
      );
    using comparison = this.isConverted ? this.#comparison() : undefined;
    let done = 0;
    for await (const batch of untilAborted(batches, options.signal)) {
      try {
        if (comparison) this.#log(comparison.nodes, await comparison.run(batch));
        else for (const prepared of this.candidates.values()) await calibrate(prepared, [batch]);
      } catch (error) {
        throw new Error(`NShadowsModel.run: batch ${done}: ${(error as Error).message}`, { cause: error });
      }
      done++;
      options.onProgress?.(done);
    }
    if (done === 0) throw new Error('NShadowsModel.run: there are no batches; it needs at least one');
    return done;
  }

  #comparison(): RunningComparison {
    const converted = [...this.candidates.values()];
    return new RunningComparison(
      this.reference,
      converted,
      'of the reference',
      this.savesActivations,
      'NShadowsModel.run',
    );
  }

  #log(nodes: readonly NodeOfModel[], found: readonly Differences[]): void {
    const names = [...this.candidates.keys()];
    const logged = new Set<number>();
    for (const [i, { model, handle, refNodeName, refModulePath }] of nodes.entries()) {
      if (!this.#quantized[model].has(handle)) continue;
      const layer: LoggedLayer = this.#layers.get(handle) ?? {
        refNodeName,
        refNodeTarget: this.reference.graph.nodes.find(({ name }) => name === refNodeName)!.target,
        refModulePath,
        values: [],
        candidates: new Map(),
      };
      this.#layers.set(handle, layer);
      const { sums, values } = found[i];
      const result = layer.candidates.get(names[model]) ?? { comparisons: [], values: [] };
      layer.candidates.set(names[model], result);
      result.comparisons.push(comparisonOf(sums).sqnr);
      if (values) result.values.push(values[0]);
      if (values && !logged.has(handle)) layer.values.push(values[1]);
      logged.add(handle);
    }
  }
}

/** Of the nodes whose inputs the candidate quantizes: layers, and operators that are computed on integers. */
function quantizedHandles({ graph }: GraphModule): ReadonlySet<number> {
  const quantized = graph.nodes.filter(
    ({ meta }) => (meta.quantizationAnnotation?.inputQspecMap.size ?? 0) > 0,
  );
  return new Set(quantized.flatMap(({ meta }) => meta.numericDebugHandle?.handle ?? []));
}

/**
 * Makes a model that tries several configurations of every layer at once (counterpart:
 * `torch.ao.ns._numeric_suite_fx.prepare_n_shadows_model`). Every layer that a candidate quantizes gets a shadow: the layer as the
 * candidate quantizes it, given what the float layer is given. Candidates are quantizers, which say what they do to each layer, where PyTorch
 * has a `QConfigMultiMapping`; layers that a candidate leaves in floating point have no shadow of it. A layer's result is compared before it
 * is quantized for the next one.
 *
 * @example
 * const quantizer = (options) => new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig(options));
 * const model = prepareNShadowsModel(captured, { full: quantizer(), reduced: quantizer({ reduceRange: true }) });
 * await model.run(calibrationBatches);
 * convertNShadowsModel(model);
 * loggersSetEnabled(model, true);
 * await model.run(testBatches);
 * printComparisonsNShadowsModel(extractResultsNShadowsModel(model));
 *
 * @param module a captured model with numeric debug handles. It stays as it is.
 * @param candidates at least one, by names that results are called by.
 * @throws Error when the model has no handles, there are no candidates, or one of them cannot prepare the model.
 */
export function prepareNShadowsModel(
  module: GraphModule,
  candidates: Readonly<Record<string, Quantizer>>,
): NShadowsModel {
  const where = 'prepareNShadowsModel';
  const reference = GraphModule.accept(module, where).clone();
  nodesByHandle(reference, where);
  if (typeof candidates !== 'object' || candidates === null)
    throw new Error(`${where}: candidates must be an object of quantizers by name, got ${candidates}`);
  const named = Object.entries(candidates);
  if (named.length === 0) throw new Error(`${where}: there are no candidates; give at least one quantizer`);
  const prepared = named.map(([name, quantizer]) => {
    try {
      return [name, preparePt2e(reference, quantizer)] as const;
    } catch (error) {
      throw new Error(`${where}: candidate '${name}': ${(error as Error).message}`, { cause: error });
    }
  });
  return new NShadowsModel(reference, new Map(prepared));
}

/**
 * Converts the shadows of all layers, in place (counterpart: `convert_n_shadows_model`).
 * @returns the model.
 * @throws Error when it is converted already, or that names the candidate that cannot be converted: its observers have seen nothing.
 */
export function convertNShadowsModel(model: NShadowsModel): NShadowsModel {
  if (model.isConverted) throw new Error('convertNShadowsModel: the model is converted already');
  const converted = [...model.candidates].map(([name, prepared]) => {
    try {
      return [name, convertPt2e(prepared)] as const;
    } catch (error) {
      throw new Error(`convertNShadowsModel: candidate '${name}': ${(error as Error).message}`, {
        cause: error,
      });
    }
  });
  for (const [name, module] of converted) model.candidates.set(name, module);
  model.isConverted = true;
  return model;
}

/** Sets whether a converted model's loggers compare (counterpart: `loggers_set_enabled`). They begin disabled. */
export function loggersSetEnabled(model: NShadowsModel, enabled: boolean): void {
  model.loggersEnabled = enabled;
}

/**
 * Sets whether loggers keep values, too (counterpart: `loggers_set_save_activations`): all of all batches stay in memory. At first they keep only
 * what is compared.
 */
export function loggersSetSaveActivations(model: NShadowsModel, saveActivations: boolean): void {
  model.savesActivations = saveActivations;
}
