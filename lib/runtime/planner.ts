import { withCode } from '../error-code.ts';
import type { GraphModule, TensorInfo } from '../graph/index.ts';
import { addon } from '../native/addon.ts';
import type { PlanDesc } from '../native/addon-types.ts';
import {
  type BuiltPlan,
  buildPlan,
  type ConstantStore,
  type Division,
  divideBatch,
  keepsSamplesApart,
  type PlanChoices,
  undivided,
} from '../plan/index.ts';
import { isTuned, type Tuning, tunedKernels, tunedParts, tunedThreads } from './decisions.ts';

/** The inputs' shapes of a request, or of a part of it. */
export type Shapes = readonly (readonly number[])[];

/** How requests of some shapes are computed. */
export interface PlannedRequest {
  /** Equal parts of the batch that the plan runs for; 1: the whole batch. */
  readonly parts: number;
  /** Requests of the same key have the same plan. */
  readonly key: string;
  /** Builds the plan for one part. */
  build(): BuiltPlan;
}

/** The number of shapes whose planning is remembered, a few bytes each. */
const mostPlanned = 1024;

/** A key that is equal for equal shapes. */
export const keyOf = (shapes: Shapes): string => shapes.map(String).join(';');

/** The shapes of one of `parts` equal parts of a batch. */
const partOf = (shapes: Shapes, parts: number): Shapes =>
  parts === 1 ? shapes : shapes.map(([batch, ...rest]) => [batch / parts, ...rest]);

const sameShapes = (a: Shapes, b: Shapes): boolean =>
  a.every((shape, i) => shape.length === b[i].length && shape.every((extent, axis) => extent === b[i][axis]));

/**
 * Decides how a model's requests are computed, as one plan or as several parts of their batch, and builds the plans.
 */
export class Planner {
  readonly #constants: ConstantStore;
  readonly #module: GraphModule;
  readonly #inputs: readonly TensorInfo[];
  readonly #tuning: Tuning;
  readonly #threads: number;
  readonly #planned = new Map<string, PlannedRequest>();
  /** Of most requests the next one is like the one before. */
  #latest: { readonly shapes: Shapes; readonly planned: PlannedRequest } | undefined;
  #keepsApart: boolean | undefined;
  /** The plan of one sample of the sizes requested last. */
  #sample: { readonly key: string; readonly desc: PlanDesc | undefined } | undefined;

  /**
   * @param constants weights that the plans share.
   * @param threads the threads that may compute one request.
   */
  constructor(
    module: GraphModule,
    inputs: readonly TensorInfo[],
    constants: ConstantStore,
    tuning: Tuning,
    threads: number,
  ) {
    this.#constants = constants;
    this.#module = module;
    this.#inputs = inputs;
    this.#tuning = tuning;
    this.#threads = threads;
  }

  plan(shapes: Shapes): PlannedRequest {
    if (this.#latest && sameShapes(this.#latest.shapes, shapes)) return this.#latest.planned;
    const planned = this.#plan(shapes);
    this.#latest = { shapes, planned };
    return planned;
  }

  /** Whether a batch can be computed in parts of any size. */
  get keepsSamplesApart(): boolean {
    this.#keepsApart ??= keepsSamplesApart(this.#module, this.#inputs);
    return this.#keepsApart;
  }

  /** `count` requests of these shapes at once, each computed as it is alone, by one thread. */
  planApart(shapes: Shapes, count: number): PlannedRequest {
    const { parts } = this.plan(shapes);
    const ofPart = partOf(shapes, parts);
    const lanes = Math.min(this.#threads, count * parts);
    const kernelOf = tunedKernels(this.#tuning, shapes, addon.oneDnnVersion().isa);
    return {
      parts: count * parts,
      key: `${keyOf(ofPart)}; ${lanes} lanes apart`,
      build: () => this.#build(ofPart, { threads: 1, lanes, kernelOf }),
    };
  }

  #plan(shapes: Shapes): PlannedRequest {
    const key = keyOf(shapes);
    const known = this.#planned.get(key);
    if (known) return known;
    const planned = this.#decide(shapes);
    if (this.#planned.size >= mostPlanned) this.#planned.clear();
    this.#planned.set(key, planned);
    return planned;
  }

  #decide(shapes: Shapes): PlannedRequest {
    const { isa } = addon.oneDnnVersion();
    const threads = tunedThreads(this.#tuning, shapes);
    const kernelOf = tunedKernels(this.#tuning, shapes, isa);
    const { parts, lanes } = this.#divide(shapes, Math.min(threads ?? this.#threads, this.#threads));
    const ofPart = partOf(shapes, parts);
    // Measurements for a request's shapes apply to its plan alone.
    const tuned = isTuned(this.#tuning, shapes) ? `; tuned for ${keyOf(shapes)}` : '';
    return {
      parts,
      key: `${keyOf(ofPart)}; ${lanes} lanes${tuned}`,
      build: () => this.#build(ofPart, { threads, lanes, kernelOf }),
    };
  }

  #build(shapes: Shapes, choices: PlanChoices): BuiltPlan {
    const build = () =>
      buildPlan(this.#module, {
        inputs: this.#inputs.map(({ dtype }, i) => ({ dtype, shape: shapes[i] })),
        constants: this.#constants,
        machine: { blocksChannels: addon.oneDnnVersion().prefersChannelBlocks, threads: this.#threads },
        choices,
      });
    // Operators refuse sizes that their ranges allow: an image smaller than a kernel.
    return this.#choosesSizes ? withCode('ERR_OCTAVO_INVALID_INPUT', build) : build();
  }

  /** Whether requests choose sizes; else it is the model's fault if it has no plan. */
  get #choosesSizes(): boolean {
    return this.#inputs.some(({ shape }) => shape.some((extent) => typeof extent !== 'number'));
  }

  #divide(shapes: Shapes, threads: number): Division {
    const [[batch] = []] = shapes;
    if (batch === undefined || batch < 2) return undivided;
    if (!this.keepsSamplesApart) return undivided;
    const sample = this.#sampleOf(shapes.map(([, ...rest]) => [1, ...rest]));
    // A batch that no memory could hold is refused when the whole is planned.
    if (!sample || !Number.isSafeInteger(batch * sample.arenaBytes)) return undivided;
    const parts = tunedParts(this.#tuning, shapes);
    if (parts !== undefined) return { parts, lanes: Math.min(parts, threads) };
    return divideBatch(sample, batch, threads);
  }

  #sampleOf(shapes: Shapes): PlanDesc | undefined {
    const key = keyOf(shapes);
    if (this.#sample?.key !== key) this.#sample = { key, desc: this.#buildSample(shapes) };
    return this.#sample.desc;
  }

  /** Undefined if there is no plan of one sample, or its results are not one at each index of their first extent. */
  #buildSample(shapes: Shapes): PlanDesc | undefined {
    try {
      const { desc } = this.#build(shapes, {});
      return desc.outputs.every(({ shape: [batch] }) => batch === 1) ? desc : undefined;
    } catch {
      // The whole batch may be possible; if it is not, building its plan says why.
      return undefined;
    }
  }
}
