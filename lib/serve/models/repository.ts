import { basename, relative } from 'node:path';
import { type CompiledModel, type CompileOptions, loadModel } from '../../runtime/index.ts';
import { ProtocolError } from '../errors.ts';
import { listModelFiles, type ModelFile, type NamedModel, pathOfModels } from './model-files.ts';
import { ServedModel } from './served-model.ts';
import { smallestShapes } from './smallest-shapes.ts';
import type { VersionStatistics } from './version-statistics.ts';

/**
 * How a model of a repository is loaded. With `batching`, a model of which nothing but the batch is left to requests has its plans for all
 * sizes of batches before the first one comes.
 */
export type LoadOptions = Omit<CompileOptions, 'metadata' | 'tuning'>;

/** For all models alike, or for each by its name. */
export type LoadOptionsOf = LoadOptions | ((name: string) => LoadOptions);

/** One line of a repository's index, as Triton's model repository extension has it. */
export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: 'READY' | 'UNAVAILABLE';
  /** Why it is not ready. */
  readonly reason: string;
}

/** A version of a model that is loaded, and which file it was. */
export interface LoadedVersion {
  readonly name: string;
  readonly version: string;
  /** Another one when the file was replaced. */
  readonly stamp: string;
}

/** What clients may ask of a repository, or of several that are to hold the same. */
export type RepositoryControl = Pick<ModelRepository, 'index' | 'load' | 'unload'>;

/** A model that was read and is not served yet. Until one of these is called, other changes of its name wait. */
export interface PreparedLoad {
  /** Serves it from now on. */
  commit(): void;
  /** Lets it go; what was served before stays. */
  discard(): void;
}

interface Read {
  readonly file: ModelFile;
  readonly model: CompiledModel;
}

interface Loaded {
  readonly served: ServedModel;
  readonly stamp: string;
}

const notLoaded = ({ name, version }: ModelFile, why: string, options?: ErrorOptions) =>
  new ProtocolError(400, `load: model '${name}', version ${version}: ${why}`, options);

/**
 * Models in a folder, by name and version, and those of them that are loaded: of each name the newest version. A load
 * switches to a newer version, or to a file that was replaced, without a lost request: requests that came before finish on the
 * old one, which is freed then.
 *
 * @example
 * await using repository = await ModelRepository.open('models', { batching: { maxBatchSize: 16 } });
 * const { model } = repository.model('resnet50'); // float32[s0, 3, 224, 224]
 * const { scores } = await model.run(image);
 * await repository.load('resnet50'); // a newer version, if there is one by now
 */
export class ModelRepository implements AsyncDisposable {
  readonly #models: string | NamedModel;
  /** Where they are. */
  readonly #path: string;
  readonly #options: LoadOptionsOf;
  readonly #loaded = new Map<string, Loaded>();
  readonly #failures = new Map<string, string>();
  /** The last change of each name. */
  readonly #changes = new Map<string, Promise<unknown>>();
  /** All that is not freed yet. */
  readonly #alive = new Set<ServedModel>();
  /** What is not served any more but not freed yet. */
  readonly #retiring = new Set<Promise<void>>();
  #closed: Promise<void> | undefined;

  private constructor(models: string | NamedModel, options: LoadOptionsOf) {
    this.#models = models;
    this.#path = pathOfModels(models);
    this.#options = options;
  }

  /**
   * Loads all models of a folder, the model of a file, or one model under a name of its own.
   * @param versions to load these and no others. Where the file of one is gone, the newest of its name is loaded.
   * @throws Error (rejects) when there is none, or one cannot be loaded, as where there are both `a.octavo` and `a/1/model.octavo`.
   */
  static async open(
    models: string | NamedModel,
    options: LoadOptionsOf = {},
    versions?: readonly Pick<LoadedVersion, 'name' | 'version'>[],
  ): Promise<ModelRepository> {
    const repository = new ModelRepository(models, options);
    const files = await listModelFiles(models);
    if (files.length === 0 && versions === undefined) {
      const expected =
        typeof models === 'string' ? '<name>.octavo or <name>/<version>' : 'one .octavo file or <version>';
      throw new Error(
        `${repository.#path}: there are no models; expected ${expected}/model.octavo, versions being whole numbers`,
      );
    }
    try {
      const names = new Set(files.map((file) => file.name));
      for (const { name, version } of versions ?? [...names].map((name) => ({ name, version: undefined })))
        await repository.#load(name, version);
    } catch (error) {
      await repository[Symbol.asyncDispose]();
      throw error;
    }
    return repository;
  }

  /** Names of the models that are loaded. */
  get names(): readonly string[] {
    return [...this.#loaded.keys()];
  }

  /** What has been asked of every version that is loaded, or finishes its last requests. */
  get statistics(): readonly VersionStatistics[] {
    return [...new Set([...this.#alive].map(({ statistics }) => statistics))];
  }

  /** What is loaded. */
  get versions(): readonly LoadedVersion[] {
    return [...this.#loaded].map(([name, { served, stamp }]) => ({ name, version: served.version, stamp }));
  }

  /**
   * A loaded model.
   * @throws ProtocolError 404 when it, or the version, is not loaded.
   */
  model(name: string, version?: string): ServedModel {
    const { served } = this.#find(name);
    if (version !== undefined && version !== served.version)
      throw new ProtocolError(404, `model '${name}' has version ${served.version} loaded, not '${version}'`);
    return served;
  }

  /**
   * Every model and version in the folder, with the reason where it cannot be served, and those that are loaded still though their
   * files are gone.
   * @throws ProtocolError (rejects) when the folder cannot be read.
   */
  async index(): Promise<readonly IndexEntry[]> {
    const files = await this.#files();
    const entries = files.map(({ name, version, fault }): IndexEntry => {
      const isLoaded = this.#loaded.get(name)?.served.version === version;
      const reason = fault ?? this.#failures.get(`${name} ${version}`) ?? 'not loaded';
      return { name, version, state: isLoaded ? 'READY' : 'UNAVAILABLE', reason: isLoaded ? '' : reason };
    });
    for (const [name, { served }] of this.#loaded)
      if (!files.some((file) => file.name === name && file.version === served.version))
        entries.push({ name, version: served.version, state: 'READY', reason: '' });
    return entries;
  }

  /**
   * Loads a model's newest version, unless it is loaded already.
   * @throws ProtocolError (rejects) when the model has no file, or it cannot be loaded; what was loaded before stays.
   */
  load(name: string): Promise<void> {
    return this.#load(name, undefined);
  }

  /**
   * The first half of {@link load}: reads the newest version, unless it is loaded already, while the old one serves on. So several
   * repositories switch together, or none of them.
   * @throws ProtocolError (rejects) as `load`.
   */
  prepare(name: string): Promise<PreparedLoad> {
    return new Promise((resolve, reject) => {
      const settled = this.#change(name, async () => {
        const newer = await this.#read(name, undefined);
        return new Promise<void>((done) => {
          const commit = () => {
            if (newer) this.#serve(newer);
            done();
          };
          const discard = () => {
            newer?.model.dispose();
            done();
          };
          resolve({ commit, discard });
        });
      });
      settled.catch(reject);
    });
  }

  /**
   * Lets a model go; requests that came before finish.
   * @throws ProtocolError (rejects) when it is not loaded.
   */
  unload(name: string): Promise<void> {
    return this.#change(name, async () => {
      const loaded = this.#find(name);
      this.#loaded.delete(name);
      await this.#retire(loaded);
    });
  }

  /** Lets all models go, each when its requests are done. What is being loaded goes, too; nothing can be loaded any more. Safe to call twice. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #load(name: string, version: string | undefined): Promise<void> {
    return this.#change(name, async () => {
      const newer = await this.#read(name, version);
      if (newer) this.#serve(newer);
    });
  }

  /** A version, or the newest one; undefined if it is loaded already. */
  async #read(name: string, version: string | undefined): Promise<Read | undefined> {
    const files = (await this.#files()).filter((file) => file.name === name);
    const wanted = files.find((file) => file.version === version) ?? files.at(0);
    if (!wanted) throw new ProtocolError(400, `load: there is no model '${name}' in the repository`);
    if (wanted.fault !== undefined) throw notLoaded(wanted, wanted.fault);
    const old = this.#loaded.get(name);
    if (old?.served.version === wanted.version && old.stamp === wanted.stamp) return undefined;
    return { file: wanted, model: await this.#open(wanted) };
  }

  #serve({ file, model }: Read): void {
    const { name, stamp } = file;
    const old = this.#loaded.get(name);
    this.#loaded.set(name, { served: this.#serving(file, model), stamp });
    // Not waited for: the new version serves already.
    if (old) this.#retire(old);
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#changes.values());
    for (const loaded of this.#loaded.values()) this.#retire(loaded);
    this.#loaded.clear();
    await Promise.all(this.#retiring);
  }

  #retire({ served }: Loaded): Promise<void> {
    const retired = served.retire().then(() => {
      this.#retiring.delete(retired);
      this.#alive.delete(served);
    });
    this.#retiring.add(retired);
    retired.catch(() => {}); // the end of the repository tells of it
    return retired;
  }

  #find(name: string): Loaded {
    const loaded = this.#loaded.get(name);
    if (loaded) return loaded;
    const others = this.names.join(', ') || 'none';
    throw new ProtocolError(404, `model '${name}' is not loaded; there are ${others}`);
  }

  /** A file that replaces one of the same version goes on with its statistics. */
  #serving({ name, version }: ModelFile, model: CompiledModel): ServedModel {
    const before = [...this.#alive].find((each) => each.name === name && each.version === version);
    const served = new ServedModel(name, version, model, before?.statistics);
    this.#alive.add(served);
    return served;
  }

  async #files(): Promise<readonly ModelFile[]> {
    try {
      return await listModelFiles(this.#models);
    } catch (error) {
      // Where it lies on the server is not the client's business.
      const { code } = error as NodeJS.ErrnoException;
      throw new ProtocolError(500, `the model repository cannot be read: ${code}`, { cause: error });
    }
  }

  async #open(given: ModelFile): Promise<CompiledModel> {
    const { name, version, path } = given;
    const key = `${name} ${version}`;
    try {
      const model = await this.#loadReady(name, path);
      this.#failures.delete(key);
      return model;
    } catch (error) {
      const file = relative(this.#path, path) || basename(path);
      const message = (error as Error).message.replaceAll(path, file);
      this.#failures.set(key, message);
      throw notLoaded(given, message, { cause: error });
    }
  }

  async #loadReady(name: string, path: string): Promise<CompiledModel> {
    const options = typeof this.#options === 'function' ? this.#options(name) : this.#options;
    const model = await loadModel(path, options);
    try {
      const shapes = options.batching && smallestShapes(model);
      if (shapes) await model.warmup(shapes);
      return model;
    } catch (error) {
      model.dispose();
      throw error;
    }
  }

  /** Changes of a name come one after the other. */
  async #change<T>(name: string, change: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new ProtocolError(503, `model '${name}': the repository is closed`);
    const before = this.#changes.get(name);
    const after = (async () => {
      await before?.catch(() => {}); // who asked for that one has heard of it
      return change();
    })();
    this.#changes.set(name, after);
    try {
      return await after;
    } finally {
      if (this.#changes.get(name) === after) this.#changes.delete(name);
    }
  }
}
