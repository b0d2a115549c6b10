import type { CompiledModel, RunOptions, TensorInfo } from '../../runtime/index.ts';
import { ProtocolError } from '../errors.ts';
import type { IndexEntry, ModelRepository, RepositoryControl } from '../models/repository.ts';
import type { ServedModel } from '../models/served-model.ts';
import type { VersionStatistics } from '../models/version-statistics.ts';
import type { Protocol, VersionTally } from '../models/version-tally.ts';
import { startSpan } from '../traces/request-span.ts';
import { refuseOverride } from './absent-extensions.ts';
import type { InferCall } from './call.ts';
import { datatypeOf } from './datatypes.ts';
import { within } from './deadline.ts';
import { type InferRequest, wantedOutputs } from './request.ts';
import { failureOf, reasonOf } from './run-failure.ts';
import { statisticsOf } from './statistics.ts';

/** Whether clients may load and unload models: {@link InferenceOptions.modelControl}. */
export type ModelControl = 'none' | 'explicit';

/** What a server answers with, whichever protocol asks. */
export interface InferenceOptions {
  readonly repository: ModelRepository;
  /** What the server calls itself in its metadata. Default `octavo`. */
  readonly serverName?: string;
  readonly serverVersion?: string;
  /** Whether to accept requests; `false` makes the health of the server say so. Default: always. */
  readonly isReady?: () => boolean;
  /**
   * Whether clients may load and unload models: `explicit`, or `none`, the default, where they are refused. Whoever reaches the port
   * may do it then, so let only those reach it who should (counterpart: Triton's `--model-control-mode`).
   */
  readonly modelControl?: ModelControl;
  /** Who is asked for the index, for loads and unloads, where several processes serve the same models. Default: the repository. */
  readonly control?: RepositoryControl;
  /** What has been asked of every version, where several processes serve the same models. Default: what the repository has counted. */
  readonly statistics?: () => Promise<readonly VersionTally[]>;
}

/** Whoever wants to hear what a run took; undefined: nobody. */
type OnTiming = RunOptions['onTiming'] | undefined;

/** The Open Inference Protocol's calls, free of how they travel: what REST and gRPC have in common. */
export class InferenceService {
  readonly #repository: ModelRepository;
  readonly #control: RepositoryControl;
  readonly #tallies: () => Promise<readonly VersionTally[]>;
  readonly #modelControl: ModelControl;
  readonly #name: string;
  readonly #version: string;
  /** Whether requests are accepted. */
  readonly isReady: () => boolean;

  /** @throws Error when an option has a value that there is not. */
  constructor(options: InferenceOptions) {
    const { repository, control, statistics, modelControl = 'none' } = options;
    const { serverName, serverVersion, isReady } = options;
    if (modelControl !== 'none' && modelControl !== 'explicit')
      throw new Error(
        `openInference: modelControl must be 'none' or 'explicit', got '${String(modelControl)}'`,
      );
    this.#repository = repository;
    this.#control = control ?? repository;
    this.#tallies = statistics ?? (async () => repository.statistics.map(({ tally }) => tally));
    this.#modelControl = modelControl;
    this.#name = serverName ?? 'octavo';
    this.#version = serverVersion ?? '';
    this.isReady = isReady ?? (() => true);
  }

  /** @param extensions what the protocol that asks has of Triton's. */
  serverMetadata(extensions: readonly string[]) {
    return { name: this.#name, version: this.#version, extensions };
  }

  /** @throws ProtocolError when the model, or the version, is not loaded, as the functions below. */
  modelMetadata(name: string, version: string | undefined) {
    const served = this.#served(name, version);
    return {
      name: served.name,
      versions: [served.version],
      platform: 'octavo',
      inputs: describe(served.model.inputs),
      outputs: describe(served.model.outputs),
    };
  }

  /** That a model is loaded: its name. */
  modelReady(name: string, version: string | undefined): string {
    return this.#served(name, version).name;
  }

  /**
   * What has been asked of one model, or of all that are loaded.
   * @throws ProtocolError (rejects) when the model, or the version, is not loaded.
   */
  async statistics(name?: string, version?: string) {
    const names = name === undefined ? this.#repository.names : [name];
    const wanted = names.map((each) => this.#served(each, version));
    const tallies = await this.#tallies();
    const tallyOf = ({ name, version, statistics }: ServedModel) =>
      tallies.find((each) => each.name === name && each.version === version) ?? statistics.tally;
    return { model_stats: wanted.map((served) => statisticsOf(tallyOf(served))) };
  }

  /**
   * Computes what a request asks for, counts it, and makes it a part of the client's trace.
   * @returns what is sent: what the call has written.
   * @throws ProtocolError (rejects) that says whose fault it was.
   */
  async infer<Request extends InferRequest, Answer>(call: InferCall<Request, Answer>): Promise<Answer> {
    const span = startSpan(call.origin, call.model);
    try {
      const served = this.#served(call.model, call.version);
      const answer = await counted(served.statistics, call.origin.protocol, () =>
        compute(served, call, span.onTiming),
      );
      span.succeeded(served.version);
      return answer;
    } catch (error) {
      span.failed(error);
      throw error;
    }
  }

  /** @param onlyReady without models that are not. */
  async repositoryIndex(onlyReady: boolean): Promise<readonly IndexEntry[]> {
    const index = await this.#control.index();
    return index.filter(({ state }) => !onlyReady || state === 'READY');
  }

  /** @throws ProtocolError (rejects) when clients may not, or it cannot be done. */
  async changeModel(
    change: 'load' | 'unload',
    name: string,
    parameters: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    if (this.#modelControl === 'none')
      throw new ProtocolError(
        403,
        `${change}: this server lets no client load or unload models (model control: none)`,
      );
    if (change === 'load') refuseOverride(parameters);
    await this.#control[change](name);
  }

  #served(name: string, version: string | undefined): ServedModel {
    return this.#repository.model(name, version);
  }
}

const describe = (infos: readonly TensorInfo[]) =>
  infos.map(({ name, dtype, shape }) => ({
    name,
    datatype: datatypeOf(dtype).name,
    shape: shape.map((extent) => (typeof extent === 'number' ? extent : -1)),
  }));

async function counted<T>(
  statistics: VersionStatistics,
  protocol: Protocol,
  work: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  try {
    const result = await work();
    statistics.succeeded(protocol, performance.now() - start);
    return result;
  } catch (error) {
    statistics.failed(reasonOf(error), performance.now() - start);
    throw error;
  }
}

async function compute<Request extends InferRequest, Answer>(
  served: ServedModel,
  { read, write, signal }: InferCall<Request, Answer>,
  onTiming: OnTiming,
): Promise<Answer> {
  const request = read();
  const wanted = wantedOutputs(
    request,
    served.model.outputs.map(({ name }) => name),
  );
  const results = await served.use((model) => run(model, request, signal, onTiming));
  return write(request, {
    modelName: served.name,
    modelVersion: served.version,
    id: request.id,
    outputs: wanted.map((name) => ({ name, tensor: results[name] })),
  });
}

async function run(
  model: CompiledModel,
  { inputs, scheduling }: InferRequest,
  signal: AbortSignal,
  onTiming: OnTiming,
) {
  const { priority, timeout } = scheduling;
  const options = { ...(priority !== undefined && { priority }), ...(onTiming && { onTiming }) };
  try {
    return await within(timeout, signal, (signal) => model.run(inputs, { signal, ...options }));
  } catch (error) {
    throw failureOf(error as Error);
  }
}
