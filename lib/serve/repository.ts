import { type CompiledModel, type CompileOptions, loadModel } from '../runtime/index.ts';
import { ProtocolError } from './errors.ts';
import { listModelFiles, type ModelFile } from './model-files.ts';
import { ServedModel } from './served-model.ts';

/** How every model of a repository is loaded. */
export type LoadOptions = Omit<CompileOptions, 'metadata' | 'tuning'>;

/** One line of a repository's index, as Triton's model repository extension has it. */
export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: 'READY' | 'UNAVAILABLE';
  /** Why it is not ready. */
  readonly reason: string;
}

interface Loaded {
  readonly served: ServedModel;
  readonly stamp: string;
}

/**
 * Models in a folder, by name and version, and those of them that are loaded: of each name the newest version. A load
 * switches to a newer version, or to a file that was replaced, without a lost request: requests that came before finish on the
 * old one, which is freed then.
 */
export class ModelRepository implements AsyncDisposable {
  readonly #path: string;
  readonly #options: LoadOptions;
  readonly #loaded = new Map<string, Loaded>();
  readonly #failures = new Map<string, string>();
  /** The last change of each name: changes come one after the other. */
  readonly #changes = new Map<string, Promise<unknown>>();

  private constructor(path: string, options: LoadOptions) {
    this.#path = path;
    this.#options = options;
  }

  /**
   * Loads all models of a folder, or the model of a file.
   * @throws Error (rejects) when there is none, or one cannot be loaded.
   */
  static async open(path: string, options: LoadOptions = {}): Promise<ModelRepository> {
    const repository = new ModelRepository(path, options);
    const files = await listModelFiles(path);
    if (files.length === 0)
      throw new Error(
        `${path}: there are no models; expected <name>.octavo or <name>/<version>/model.octavo, versions being whole numbers`,
      );
    try {
      for (const name of new Set(files.map((file) => file.name))) await repository.load(name);
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

  /**
   * A loaded model.
   * @throws ProtocolError 404 when it, or the version, is not loaded.
   */
  model(name: string, version?: string): ServedModel {
    const loaded = this.#loaded.get(name);
    if (!loaded)
      throw new ProtocolError(
        404,
        `model '${name}' is not loaded; there are ${this.names.join(', ') || 'none'}`,
      );
    const { served } = loaded;
    if (version !== undefined && version !== served.version)
      throw new ProtocolError(404, `model '${name}' has version ${served.version} loaded, not '${version}'`);
    return served;
  }

  /** Every model and version in the folder, and those that are loaded still though their files are gone. */
  async index(): Promise<readonly IndexEntry[]> {
    const files = await listModelFiles(this.#path);
    const entries = files.map(({ name, version }): IndexEntry => {
      const isLoaded = this.#loaded.get(name)?.served.version === version;
      const reason = this.#failures.get(`${name} ${version}`) ?? 'not loaded';
      return { name, version, state: isLoaded ? 'READY' : 'UNAVAILABLE', reason: isLoaded ? '' : reason };
    });
    for (const [name, { served }] of this.#loaded)
      if (!files.some((file) => file.name === name && file.version === served.version))
        entries.push({ name, version: served.version, state: 'READY', reason: '' });
    return entries;
  }

  /**
   * Loads a model's newest version, unless it is loaded already.
   * @throws ProtocolError when the model has no file, or it cannot be loaded; what was loaded before stays.
   */
  load(name: string): Promise<void> {
    return this.#change(name, async () => {
      const [newest] = (await listModelFiles(this.#path)).filter((file) => file.name === name);
      if (!newest) throw new ProtocolError(400, `load: there is no model '${name}' in the repository`);
      const old = this.#loaded.get(name);
      if (old?.served.version === newest.version && old.stamp === newest.stamp) return;
      const model = await this.#open(newest);
      this.#loaded.set(name, { served: new ServedModel(name, newest.version, model), stamp: newest.stamp });
      // Not waited for: the new version serves already.
      old?.served.retire();
    });
  }

  /**
   * Lets a model go; requests that came before finish.
   * @throws ProtocolError when it is not loaded.
   */
  unload(name: string): Promise<void> {
    return this.#change(name, async () => {
      const { name: loaded } = this.model(name);
      const { served } = this.#loaded.get(loaded)!;
      this.#loaded.delete(name);
      await served.retire();
    });
  }

  /** Lets all models go, each when its requests are done. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.names.map((name) => this.unload(name)));
  }

  async #open({ name, version, path }: ModelFile): Promise<CompiledModel> {
    const key = `${name} ${version}`;
    try {
      const model = await loadModel(path, this.#options);
      this.#failures.delete(key);
      return model;
    } catch (error) {
      const { message } = error as Error;
      this.#failures.set(key, message);
      throw new ProtocolError(400, `load: model '${name}', version ${version}: ${message}`, { cause: error });
    }
  }

  async #change<T>(name: string, change: () => Promise<T>): Promise<T> {
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
