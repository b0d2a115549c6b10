import { checkSignal } from '../abort.ts';
import type { GraphModule, ModelInputs } from '../graph/index.ts';
import { type Lowered, lower } from '../lowering/index.ts';
import { pickOptions } from '../options.ts';
import { type CompiledModel, type CompileOptions, compile } from '../runtime/index.ts';
import { compileOptions } from '../runtime/options.ts';
import type { Choices, FloatNetwork } from './float-network.ts';
import { type Expected, oneSample, outputErrorOf, relativeTimeOf } from './measure.ts';
import type { AccuracyControlOptions, Evaluate } from './options.ts';
import type { AccuracyAttempt } from './record.ts';

/** A float network and how it is quantized. */
export interface Candidate {
  readonly network: FloatNetwork;
  readonly choices: Choices;
}

/** What is known of a candidate that was evaluated. */
export interface Measured extends Candidate {
  readonly outputError: number;
  readonly metric: number;
  readonly relativeTime: number;
  /** Which of the attempts it was. */
  readonly attempt: number;
}

/** What an attempt is, and when it is kept. */
export interface Attempt extends Pick<AccuracyAttempt, 'technique'> {
  readonly layers?: readonly string[];
  readonly detail?: string;
  /** Whether `evaluate` is worth calling for that output error; always if left out. */
  readonly isWorthEvaluating?: (outputError: number) => boolean;
  readonly isKept: (metric: number, relativeTime: number) => boolean;
}

/** What all candidates are measured against. */
export interface Reference {
  /** The network as it was given. */
  readonly original: FloatNetwork;
  readonly float: CompiledModel;
  readonly floatMetric: number;
  readonly expected: readonly Expected[];
  /** When the time that `maxSeconds` limits began, as `performance.now()` counts. */
  readonly start: number;
}

/** How far the difference of two metrics is from that of the numbers that they were rounded from, relative to a metric. */
const ROUNDING = 2 * Number.EPSILON;

/** Makes and measures candidates, writes down what was tried, and knows which is kept. */
export class Search {
  readonly original: FloatNetwork;
  readonly floatMetric: number;
  readonly attempts: AccuracyAttempt[] = [];
  readonly #reference: Reference;
  readonly #evaluate: Evaluate;
  readonly #options: AccuracyControlOptions;
  readonly #sample: ModelInputs;
  /** The float model's is the first. */
  #evaluations = 1;
  #current: Measured | undefined;
  #best: Measured | undefined;

  constructor(reference: Reference, evaluate: Evaluate, options: AccuracyControlOptions) {
    this.original = reference.original;
    this.floatMetric = reference.floatMetric;
    this.#reference = reference;
    this.#evaluate = evaluate;
    this.#options = options;
    this.#sample = oneSample(reference.float, reference.expected[0].batch);
  }

  get batches(): readonly ModelInputs[] {
    return this.#reference.expected.map(({ batch }) => batch);
  }

  /** The last that was kept. */
  get current(): Measured {
    return this.#current!;
  }

  /** What the search has led to: the current one if that reaches the target, otherwise the most accurate of those that were kept. */
  get result(): Measured {
    return this.isReached ? this.current : this.#best!;
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  /** Whether the target holds. Metrics are rounded: 1.1 - 1 is more than 0.1. */
  isEnough(metric: number): boolean {
    const rounding = ROUNDING * Math.abs(this.floatMetric);
    return this.floatMetric - metric <= this.#options.maxDrop + rounding;
  }

  get isReached(): boolean {
    return this.isEnough(this.current.metric);
  }

  /** Whether the limits allow no further attempt. */
  get isSpent(): boolean {
    const { maxEvaluations = Infinity, maxSeconds = Infinity } = this.#options;
    return (
      this.#evaluations >= maxEvaluations || performance.now() - this.#reference.start >= maxSeconds * 1000
    );
  }

  /** Tries a candidate; it becomes the current one if it is kept. */
  async attempt(candidate: Candidate, attempt: Attempt): Promise<boolean> {
    using model = await this.#compile(candidate);
    const outputError = await this.#outputError(model);
    const { technique, layers = [], detail = null, isWorthEvaluating = () => true, isKept } = attempt;
    const tried = { technique, layers, detail, outputError };
    if (!isWorthEvaluating(outputError)) {
      this.#add({ ...tried, metric: null, relativeTime: null, isKept: false });
      return false;
    }
    const metric = await measureMetric(model, this.#evaluate, this.signal);
    this.#evaluations++;
    const relativeTime = relativeTimeOf(this.#reference.float, model, this.#sample);
    const kept = isKept(metric, relativeTime);
    if (kept)
      this.#keep(
        { ...candidate, outputError, metric, relativeTime, attempt: this.attempts.length },
        technique,
      );
    this.#add({ ...tried, metric, relativeTime, isKept: kept });
    return kept;
  }

  /** A candidate's output error, for those that are only compared with each other. */
  async outputErrorOf(candidate: Candidate): Promise<number> {
    using model = await this.#compile(candidate);
    // The model lives until the error is known.
    return await this.#outputError(model);
  }

  /** The graph of the result. */
  lowered(): Promise<Lowered> {
    return lowerCandidate(this.result, this.#options);
  }

  #outputError(model: CompiledModel): Promise<number> {
    return outputErrorOf(model, this.#reference.expected, this.signal);
  }

  async #compile(candidate: Candidate): Promise<CompiledModel> {
    checkSignal(this.signal, 'quantizeWithAccuracyControl');
    const { module } = await lowerCandidate(candidate, this.#options);
    return compileWith(module, this.#options);
  }

  #keep(measured: Measured, technique: Attempt['technique']): void {
    this.#current = measured;
    const gain = measured.metric - (this.#best?.metric ?? -Infinity);
    // Of two that are as accurate, a technique has less error, and a layer in float takes longer.
    if (gain > 0 || (gain === 0 && technique !== 'float')) this.#best = measured;
  }

  #add(attempt: AccuracyAttempt): void {
    this.attempts.push(attempt);
    this.#options.onAttempt?.(attempt);
  }
}

async function lowerCandidate(
  { network, choices }: Candidate,
  { autocast }: AccuracyControlOptions,
): Promise<Lowered> {
  const converted = await network.convert(choices);
  return lower(converted, { autocast: choices.isBfloat16 ? 'bfloat16' : autocast });
}

/** Compiles as the caller wants, without what is stored with the model. */
export function compileWith(module: GraphModule, options: AccuracyControlOptions): CompiledModel {
  const { metadata: _, ...compiling } = pickOptions<CompileOptions>(options, compileOptions);
  return compile(module, compiling);
}

/** @throws Error (rejects) when `evaluate` does, or returns something else than a finite number; the signal's reason when it is aborted. */
export async function measureMetric(
  model: CompiledModel,
  evaluate: Evaluate,
  signal: AbortSignal | undefined,
): Promise<number> {
  const metric: unknown = await evaluate(model);
  checkSignal(signal, 'quantizeWithAccuracyControl');
  if (typeof metric !== 'number' || !Number.isFinite(metric))
    throw new Error(
      `quantizeWithAccuracyControl: evaluate must return a finite number, got ${String(metric)}`,
    );
  // JSON has no -0.
  return metric + 0;
}
