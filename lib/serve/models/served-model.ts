import type { CompiledModel } from '../../runtime/index.ts';
import { VersionStatistics } from './version-statistics.ts';

/**
 * A loaded version of a model, as {@link ModelRepository.model} hands it out. It is freed when a newer one has taken its place, or it was
 * unloaded, and no request uses it any more. Ask the repository anew for each request.
 *
 * @example
 * const scores = await repository.model('resnet50').use((model) => model.run(image));
 */
export class ServedModel {
  readonly name: string;
  readonly version: string;
  readonly model: CompiledModel;
  readonly statistics: VersionStatistics;
  #requests = 0;
  #retired: (() => void) | undefined;

  /** @param statistics of its version so far. */
  constructor(
    name: string,
    version: string,
    model: CompiledModel,
    statistics = new VersionStatistics(name, version),
  ) {
    this.name = name;
    this.version = version;
    this.model = model;
    this.statistics = statistics;
    statistics.attach(model);
  }

  /**
   * Uses the model: it is not freed before `work` is done.
   * @throws Error (rejects) as `work` does.
   */
  async use<T>(work: (model: CompiledModel) => Promise<T>): Promise<T> {
    this.#requests++;
    try {
      return await work(this.model);
    } finally {
      this.#requests--;
      if (this.#requests === 0) this.#retired?.();
    }
  }

  /** Frees the model, as soon as what uses it is done. The repository calls it. */
  async retire(): Promise<void> {
    if (this.#requests > 0)
      await new Promise<void>((resolve) => {
        this.#retired = resolve;
      });
    this.statistics.detach(this.model);
    this.model.dispose();
  }
}
