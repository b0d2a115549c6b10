import { checkSignal, unlessAborted } from '../abort.ts';
import { operators } from '../aten/index.ts';
import { disposedError } from '../error-code.ts';
import {
  bindOutputs,
  type GraphModule,
  inputsOf,
  type ModelInputs,
  type ModelShapes,
  outputsOf,
  propagateShapes,
  type SymbolRange,
  type TensorInfo,
} from '../graph/index.ts';
import { type LoweringReport, reportOf } from '../lowering/report.ts';
import { addon } from '../native/addon.ts';
import type { NativeExecutor } from '../native/addon-types.ts';
import { StoredTensor } from '../native/stored-tensor.ts';
import { checkOptions } from '../options.ts';
import { ConstantStore, divideIntoStages, type Stage, type Stages } from '../plan/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { checkMetadata, type ModelMetadata, writeArtifact } from './artifact.ts';
import { checkOperators } from './check-operators.ts';
import { checkTuning, type Tuning, untuned } from './decisions.ts';
import { joinReport, type ModelReport, operatorsByNode } from './model-report.ts';
import {
  type CompileOptions,
  type RunOptions,
  runOptions,
  type SaveOptions,
  saveOptions,
} from './options.ts';
import { packedWeightsOf } from './packed-weights.ts';
import { describePlan, joinPlans, type PlanDescription } from './plan-description.ts';
import { Batcher } from './requests/batcher.ts';
import { Executions } from './requests/executions.ts';
import { boundInputs, boundShapes } from './requests/inputs.ts';
import { allocateOutputs, copyElements, dataOf, namesOf, shapesOf } from './requests/operands.ts';
import { defaultMaxQueue, RequestQueue } from './requests/queue.ts';
import { joinTimings, type RunStatistics, type RunTiming, statisticsOf } from './requests/run-statistics.ts';
import { StagedValues } from './requests/staged-values.ts';
import { type RequestPlan, StagePlans } from './stage-plans.ts';
import { type StepProfile, stepProfiles } from './step-profile.ts';
import { divideThreads, usableCpus } from './threads.ts';

/**
 * A graph compiled to native plans, one for each set of input shapes so far, and the threads that run them. Requests
 * start by priority and in order of arrival, regardless of their shapes, and resolve in order of completion.
 */
export class CompiledModel implements Disposable {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /**
   * Ranges of the sizes that requests choose, by symbol (PyTorch: `ExportedProgram.range_constraints`). As there, a
   * lower bound of 2 or less is not enforced.
   */
  readonly rangeConstraints: ReadonlyMap<string, SymbolRange>;
  readonly streams: number;
  readonly threadsPerStream: number;
  /** The metadata passed to {@link compile}, or stored in the file. */
  readonly metadata: ModelMetadata;
  /** Decisions about the model by measurement. */
  readonly tuning: Tuning;
  readonly #module: GraphModule;
  readonly #executor: NativeExecutor;
  readonly #queue: RequestQueue;
  readonly #constants = new ConstantStore();
  readonly #stages: Stages;
  readonly #plans: ReadonlyMap<Stage, StagePlans>;
  readonly #batcher: Batcher | undefined;
  readonly #executions: Executions;
  /** Requests that `run` has computed. */
  #computed = 0;
  #report: LoweringReport | undefined;
  #disposed = false;

  /** @internal Use {@link compile}. */
  constructor(module: GraphModule, options: CompileOptions = {}) {
    const { streams, threadsPerStream } = divideThreads(options);
    this.metadata = checkMetadata(options.metadata ?? {});
    this.tuning = checkTuning(options.tuning ?? untuned);
    this.#queue = new RequestQueue(streams, options.maxQueue ?? defaultMaxQueue);
    this.#module = module.clone();
    this.#module.deleteUnused();
    checkOperators(this.#module);
    // After this the model needs nothing of the caller's memory.
    for (const [path, tensor] of this.#module.attributes)
      this.#module.attributes.set(path, StoredTensor.of(tensor));
    this.inputs = inputsOf(this.#module);
    this.rangeConstraints = this.#module.rangeConstraints;
    this.outputs = outputsOf(this.#module, propagateShapes(this.#module, this.inputs, operators));
    this.#executor = new addon.Executor({ streams, threadsPerStream, cpus: usableCpus() });
    this.streams = streams;
    this.threadsPerStream = threadsPerStream;
    this.#stages = divideIntoStages(this.#module);
    const maker = {
      executor: this.#executor,
      constants: this.#constants,
      tuning: this.tuning,
      threadsPerStream,
    };
    this.#plans = new Map(this.#stages.stages.map((stage) => [stage, new StagePlans(stage, maker)]));
    this.#batcher = Batcher.of(options.batching, [...this.#plans.values()], threadsPerStream, this.#queue);
    this.#executions = new Executions(this.#executor, this.#batcher);
  }

  /**
   * Runs one request on the model's own threads; the event loop stays free. The first request of a shape compiles its
   * plan. Inputs are read in place: their arrays must not be changed or transferred until the promise settles.
   *
   * While short requests follow one soon after the other, threads wait for the next one, and the event loop for its result,
   * without sleep, up to 300 microseconds each, if the process has CPUs to spare: they use processor time then. An idle
   * model uses none.
   * @param inputs tensors by input name, in order, or the tensor itself if there is one input.
   * @returns tensors by output name: those of `options.outputs`, or new ones.
   * @throws (rejects) Error when inputs or outputs do not fit the model, an option is unknown, a step fails, or the model is disposed;
   * {@link QueueFullError} when too many requests wait; the signal's reason when it is aborted before the request starts. The Error's
   * {@link ErrorCode | code} says whose fault it was.
   */
  async run(inputs: ModelInputs, options: RunOptions = {}): Promise<Record<string, Tensor>> {
    this.#checkAlive();
    checkOptions(options, runOptions, 'run');
    const { signal, onTiming } = options;
    checkSignal(signal, 'run');
    const isTimed = onTiming !== undefined;
    const timings: RunTiming[] = [];
    const tensors = boundInputs(this, inputs);
    const arrival = this.#queue.enter(options.priority);
    try {
      const values = new StagedValues(this.#stages, tensors);
      for (const [stage, plans] of this.#plans) {
        const given = values.inputsOf(stage);
        const planned = plans.planned(shapesOf(given));
        let plan = plans.ready(planned);
        while (!plan || plans.isReleased(plan)) {
          plan = await unlessAborted(plans.compile(planned, arrival), signal);
          this.#checkAlive();
          signal?.throwIfAborted();
        }
        const outputs = this.#outputsOf(plan, options);
        const execution = { plans, plan, inputs: given, outputs, arrival, signal, isTimed };
        const timing = await this.#executions.execute(execution);
        if (timing) timings.push(timing);
        values.add(stage, outputs);
      }
      this.#computed++;
      onTiming?.(joinTimings(timings));
      return this.#named(this.#results(values, options));
    } finally {
      this.#queue.leave();
    }
  }

  /**
   * Like {@link run}, but blocks: for scripts. Requests submitted before finish first. If there are none, a plan of one
   * thread runs on the calling thread.
   */
  runSync(inputs: ModelInputs, options: Pick<RunOptions, 'outputs'> = {}): Record<string, Tensor> {
    this.#checkAlive();
    checkOptions(options, { outputs: true }, 'runSync');
    const tensors = boundInputs(this, inputs);
    const values = new StagedValues(this.#stages, tensors);
    for (const [stage, plans] of this.#plans) {
      const given = values.inputsOf(stage);
      const plan = plans.compileSync(shapesOf(given));
      const outputs = this.#outputsOf(plan, options);
      this.#executor.runSync(plan.native, dataOf(given), dataOf(outputs), plan.planned.parts);
      values.add(stage, outputs);
    }
    return this.#named(this.#results(values, options));
  }

  /**
   * Compiles the plans for these shapes, and for batches of them, before the first request needs them. If values decide sizes (boxes that are left, elements
   * that are not zero), what follows is compiled when a request has decided them.
   */
  async warmup(...shapes: readonly ModelShapes[]): Promise<void> {
    this.#checkAlive();
    const bound = shapes.map((given) => boundShapes(this, given));
    const plans = this.#firstPlans;
    await Promise.all(
      bound.map(async (each) => {
        const plan = await plans.compile(plans.planned(each), this.#queue.arrive());
        await this.#batcher?.warmup(each, plan);
      }),
    );
  }

  /** Like {@link warmup}, but blocks, and without the plans of batches: for scripts. */
  warmupSync(...shapes: readonly ModelShapes[]): void {
    this.#checkAlive();
    for (const given of shapes) this.#firstPlans.compileSync(boundShapes(this, given));
  }

  /**
   * Describes the plan for these shapes, step by step, and its memory. Compiles it if needed. If values decide sizes, the plans
   * that follow are those of the last request.
   */
  plan(shapes: ModelShapes): PlanDescription {
    this.#checkAlive();
    const first = this.#firstPlans.compileSync(boundShapes(this, shapes));
    return this.#describe([first, ...this.#latest.slice(1)]);
  }

  /**
   * The fate of every operator of the captured graph, and what each lowering pass did. Steps and implementations are
   * those of the plan used last; {@link reportFor} chooses one. A loaded model has the report of the saved one.
   */
  get report(): ModelReport {
    const plans = this.#latest;
    return joinReport(this.#lowering, plans.length > 0 ? this.#describe(plans) : undefined);
  }

  /** The same with the steps and implementations of the plan for these shapes. Compiles it if needed. */
  reportFor(shapes: ModelShapes): ModelReport {
    return joinReport(this.#lowering, this.plan(shapes));
  }

  /** Runs one request, blocking, and returns the time of each step. */
  profile(inputs: ModelInputs): StepProfile[] {
    this.#checkAlive();
    const tensors = boundInputs(this, inputs);
    const values = new StagedValues(this.#stages, tensors);
    return [...this.#plans].flatMap(([stage, plans]) => {
      const given = values.inputsOf(stage);
      const plan = plans.compileSync(shapesOf(given));
      const outputs = allocateOutputs(plan);
      const times = this.#executor.profile(plan.native, dataOf(given), dataOf(outputs), plan.planned.parts);
      values.add(stage, outputs);
      return stepProfiles(this.#describeStage(stage, plan).steps, plan.planned.parts, times);
    });
  }

  /** What `run` has computed so far, how long requests waited, and what they took. Also of a model that is disposed. */
  get statistics(): RunStatistics {
    return statisticsOf(this.#executor.statistics(), this.#computed, this.#isWhole);
  }

  /** Executions so far by the number of samples that were computed together ({@link CompileOptions.batching}). */
  get batches(): ReadonlyMap<number, number> {
    return new Map([...this.statistics.batches].map(([size, { executions }]) => [size, executions]));
  }

  /** Requests that wait: for a stream, others of their batch, or the plan of their shapes. */
  get waiting(): number {
    return Math.max(0, this.#queue.inside - this.#executor.statistics().running);
  }

  /**
   * Writes the model to one file that {@link loadModel} reads: safetensors, with the graph in its metadata. The file is
   * there completely or not at all.
   * @throws Error (rejects) when the file cannot be written, an option is unknown, and with {@link SaveOptions.packedWeights} when there is no
   * plan yet, or oneDNN is a version (3.0 to 3.3) that cannot say what it has packed.
   */
  async save(path: string, options: SaveOptions = {}): Promise<void> {
    this.#checkAlive();
    checkOptions(options, saveOptions, 'save');
    const { packedWeights = false } = options;
    if (typeof path !== 'string' || path === '')
      throw new Error(`save: path must be a string that names a file, got ${JSON.stringify(path)}`);
    if (packedWeights && this.#latest.length === 0)
      throw new Error(
        'save: there are no packed weights before there is a plan; run the model, or warmup() with the shapes it will serve',
      );
    const packed = packedWeights ? packedWeightsOf(this.#module.attributes) : undefined;
    await writeArtifact({ module: this.#module, metadata: this.metadata, tuning: this.tuning, packed }, path);
  }

  /** Finishes what runs, rejects what waits, and frees threads and memory. Safe to call twice. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#executor.dispose();
    this.#batcher?.clear();
    for (const plans of this.#plans.values()) plans.clear();
    this.#constants.dispose();
    for (const tensor of this.#module.attributes.values()) (tensor as StoredTensor).release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkAlive(): void {
    if (this.#disposed) throw disposedError('the model is disposed; compile or load it again');
  }

  get #isWhole(): boolean {
    return this.#plans.size === 1;
  }

  get #firstPlans(): StagePlans {
    const [[, plans]] = this.#plans;
    return plans;
  }

  /** The plans of the last request, one for each stage that has one. */
  get #latest(): readonly RequestPlan[] {
    const latest = [...this.#plans.values()].map((plans) => plans.latest);
    const missing = latest.indexOf(undefined);
    return latest.slice(0, missing < 0 ? latest.length : missing) as RequestPlan[];
  }

  /** Created on first use: most models are never asked. */
  get #lowering(): LoweringReport {
    this.#report ??= reportOf(this.#module);
    return this.#report;
  }

  #describe(plans: readonly RequestPlan[]): PlanDescription {
    const { stages } = this.#stages;
    const described = plans.map((plan, i) => this.#describeStage(stages[i], plan));
    return joinPlans(described, stages.length - plans.length);
  }

  #describeStage(stage: Stage, { built, native, planned }: RequestPlan): PlanDescription {
    const names = this.#isWhole
      ? { inputs: this.inputs.map(({ name }) => name), outputs: this.outputs.map(({ name }) => name) }
      : namesOf(stage);
    const { memory } = this.#constants;
    return describePlan(built, planned.parts, native.steps, names, memory, operatorsByNode(this.#lowering));
  }

  /** What a plan writes to: the caller's tensors, if it computes the whole model. */
  #outputsOf(plan: RequestPlan, { outputs }: RunOptions): Tensor[] {
    if (outputs === undefined || !this.#isWhole) return allocateOutputs(plan);
    return bindOutputs(this.outputs, plan.results, outputs);
  }

  /** The model's results. Those whose sizes values have decided are copied to the caller's tensors. */
  #results(values: StagedValues, { outputs }: RunOptions): readonly Tensor[] {
    const results = values.results();
    if (outputs === undefined || this.#isWhole) return results;
    const given = bindOutputs(this.outputs, results, outputs);
    for (const [i, tensor] of given.entries()) copyElements(tensor, results[i]);
    return given;
  }

  #named(tensors: readonly Tensor[]): Record<string, Tensor> {
    return Object.fromEntries(tensors.map((tensor, i) => [this.outputs[i].name, tensor]));
  }
}
