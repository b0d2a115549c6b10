import { checkSignal, listening, unlessAborted } from '../abort.ts';
import { operators } from '../aten/index.ts';
import {
  bindInputs,
  bindOutputs,
  bindShapes,
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
import type { NativeExecutor, NativePlan } from '../native/addon-types.ts';
import { StoredTensor } from '../native/stored-tensor.ts';
import { checkOptions } from '../options.ts';
import type { BuiltPlan } from '../plan/index.ts';
import { type DType, Tensor } from '../tensor/index.ts';
import { type ModelMetadata, writeArtifact } from './artifact.ts';
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
import { PlanCache } from './plan-cache.ts';
import { describePlan, type PlanDescription, wholeShape } from './plan-description.ts';
import { type PlannedRequest, Planner, type Shapes } from './planner.ts';
import { defaultMaxQueue, RequestQueue } from './request-queue.ts';
import { type StepProfile, stepProfiles } from './step-profile.ts';
import { divideThreads, usableCpus } from './threads.ts';
import { Wakefulness } from './wakefulness.ts';

/** A plan for one part of a request's batch, or for all of it. */
interface Plan {
  readonly built: BuiltPlan;
  readonly native: NativePlan;
}

/** How requests of some shapes are computed. */
interface RequestPlan extends Plan {
  readonly planned: PlannedRequest;
  /** What the request returns. */
  readonly results: readonly { readonly dtype: DType; readonly shape: readonly number[] }[];
}

/** Each plan costs the code of its primitives. Weights are shared, and batches of several sizes may share a plan. */
const maxPlans = 32;

/**
 * A graph compiled to native plans, one for each set of input shapes so far, and the threads that run them. Requests
 * start in order of arrival, regardless of their shapes, and resolve in order of completion.
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
  readonly #wakefulness: Wakefulness;
  readonly #planner: Planner;
  readonly #plans = new PlanCache<Plan>(maxPlans, (plan) => this.#release(plan));
  /** Plans that had to make room, perhaps before a request that waited for one could use it. */
  readonly #released = new WeakSet<NativePlan>();
  /** The plan used last. */
  #latest: RequestPlan | undefined;
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
    this.#wakefulness = new Wakefulness(this.#executor);
    this.streams = streams;
    this.threadsPerStream = threadsPerStream;
    this.#planner = new Planner(this.#module, this.inputs, this.tuning, threadsPerStream);
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
   * {@link QueueFullError} when too many requests wait; the signal's reason when it is aborted before the request starts.
   */
  async run(inputs: ModelInputs, options: RunOptions = {}): Promise<Record<string, Tensor>> {
    this.#checkAlive();
    checkOptions(options, runOptions, 'run');
    const { signal } = options;
    checkSignal(signal, 'run');
    const tensors = bindInputs(this.inputs, inputs, this.rangeConstraints);
    const arrival = this.#queue.enter();
    try {
      const planned = this.#planner.plan(shapesOf(tensors));
      let plan = this.#ready(planned);
      while (!plan || this.#released.has(plan.native)) {
        plan = await unlessAborted(this.#compile(planned, arrival), signal);
        this.#checkAlive();
        signal?.throwIfAborted();
      }
      const outputs = this.#outputsFor(plan, options);
      const done = this.#executor.run(plan.native, dataOf(tensors), dataOf(outputs), planned.parts, arrival);
      this.#wakefulness.begin();
      await (signal ? listening(done, signal, (reason) => this.#executor.withdraw(arrival, reason)) : done);
      return this.#named(outputs);
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
    const tensors = bindInputs(this.inputs, inputs, this.rangeConstraints);
    const plan = this.#compileSync(shapesOf(tensors));
    const outputs = this.#outputsFor(plan, options);
    this.#executor.runSync(plan.native, dataOf(tensors), dataOf(outputs), plan.planned.parts);
    return this.#named(outputs);
  }

  /** Compiles the plans for these shapes before the first request needs them. */
  async warmup(...shapes: readonly ModelShapes[]): Promise<void> {
    this.#checkAlive();
    const bound = shapes.map((given) => bindShapes(this.inputs, given, this.rangeConstraints));
    await Promise.all(bound.map((each) => this.#compile(this.#planner.plan(each), this.#queue.arrive())));
  }

  /** Like {@link warmup}, but blocks: for scripts. */
  warmupSync(...shapes: readonly ModelShapes[]): void {
    this.#checkAlive();
    for (const given of shapes) this.#compileSync(bindShapes(this.inputs, given, this.rangeConstraints));
  }

  /** Describes the plan for these shapes, step by step, and its memory. Compiles it if needed. */
  plan(shapes: ModelShapes): PlanDescription {
    this.#checkAlive();
    return this.#describe(this.#compileSync(bindShapes(this.inputs, shapes, this.rangeConstraints)));
  }

  /**
   * The fate of every operator of the captured graph, and what each lowering pass did. Steps and implementations are
   * those of the plan used last; {@link reportFor} chooses one. A loaded model has the report of the saved one.
   */
  get report(): ModelReport {
    return joinReport(this.#lowering, this.#latest && this.#describe(this.#latest));
  }

  /** The same with the steps and implementations of the plan for these shapes. Compiles it if needed. */
  reportFor(shapes: ModelShapes): ModelReport {
    return joinReport(this.#lowering, this.plan(shapes));
  }

  /** Runs one request, blocking, and returns the time of each step. */
  profile(inputs: ModelInputs): StepProfile[] {
    this.#checkAlive();
    const tensors = bindInputs(this.inputs, inputs, this.rangeConstraints);
    const plan = this.#compileSync(shapesOf(tensors));
    const outputs = allocateOutputs(plan);
    const times = this.#executor.profile(plan.native, dataOf(tensors), dataOf(outputs), plan.planned.parts);
    return stepProfiles(this.#describe(plan).steps, plan.planned.parts, times);
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
    if (packedWeights && !this.#latest)
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
    this.#plans.clear();
    this.#latest = undefined;
    this.#planner.constants.dispose();
    for (const tensor of this.#module.attributes.values()) (tensor as StoredTensor).release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkAlive(): void {
    if (this.#disposed) throw new Error('the model is disposed; compile or load it again');
  }

  #ready(planned: PlannedRequest): RequestPlan | undefined {
    if (this.#latest?.planned === planned) return this.#latest;
    const plan = this.#plans.ready(planned.key);
    return plan && this.#used(planned, plan);
  }

  async #compile(planned: PlannedRequest, arrival: number): Promise<RequestPlan> {
    const plan = await this.#plans.get(planned.key, async () => {
      const built = planned.build();
      return { built, native: await this.#executor.compile(built.desc, arrival) };
    });
    return this.#used(planned, plan);
  }

  #compileSync(shapes: Shapes): RequestPlan {
    const planned = this.#planner.plan(shapes);
    const ready = this.#ready(planned);
    if (ready) return ready;
    const built = planned.build();
    const plan = { built, native: this.#executor.compileSync(built.desc) };
    this.#plans.set(planned.key, plan);
    return this.#used(planned, plan);
  }

  #used(planned: PlannedRequest, plan: Plan): RequestPlan {
    const results = plan.built.desc.outputs.map(({ dtype, shape }) => {
      return { dtype, shape: wholeShape(shape, planned.parts) };
    });
    this.#latest = { ...plan, planned, results };
    return this.#latest;
  }

  /** A garbage collection would come late: it does not know how much memory a small handle stands for. */
  #release({ native }: Plan): void {
    this.#released.add(native);
    if (this.#latest?.native === native) this.#latest = undefined;
    addon.releasePlan(native);
  }

  /** Created on first use: most models are never asked. */
  get #lowering(): LoweringReport {
    this.#report ??= reportOf(this.#module);
    return this.#report;
  }

  #describe({ built, native, planned }: RequestPlan): PlanDescription {
    const names = {
      inputs: this.inputs.map(({ name }) => name),
      outputs: this.outputs.map(({ name }) => name),
    };
    const { memory } = this.#planner.constants;
    return describePlan(built, planned.parts, native.steps, names, memory, operatorsByNode(this.#lowering));
  }

  #outputsFor(plan: RequestPlan, { outputs }: RunOptions): Tensor[] {
    if (outputs === undefined) return allocateOutputs(plan);
    return bindOutputs(this.outputs, plan.results, outputs);
  }

  #named(tensors: readonly Tensor[]): Record<string, Tensor> {
    return Object.fromEntries(tensors.map((tensor, i) => [this.outputs[i].name, tensor]));
  }
}

/** A checked copy that stays so, made before the work: saving must not fail on metadata that no reader accepts. */
function checkMetadata(metadata: ModelMetadata): ModelMetadata {
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== 'string')
      throw new Error(`compile: metadata '${key}' must be a string, got ${typeof value}`);
  return Object.freeze({ ...metadata });
}

const shapesOf = (tensors: readonly Tensor[]): Shapes => tensors.map(({ shape }) => shape);

const dataOf = (tensors: readonly Tensor[]) => tensors.map(({ data }) => data);

const allocateOutputs = ({ results }: RequestPlan): Tensor[] =>
  results.map(({ dtype, shape }) => Tensor.zeros(dtype, shape));
