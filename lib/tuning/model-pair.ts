import type { CompiledModel } from '../runtime/index.ts';

/** The two models of a race. A model that was in the previous race is not compiled again. */
export class ModelPair implements Disposable {
  readonly #compile: (keepFloat: readonly string[]) => CompiledModel;
  readonly #models = new Map<string, CompiledModel>();

  /** @param compile compiles a model with these layers in floating point. */
  constructor(compile: (keepFloat: readonly string[]) => CompiledModel) {
    this.#compile = compile;
  }

  get(current: readonly string[], challenger: readonly string[]): [CompiledModel, CompiledModel] {
    const wanted = [current, challenger].map(String);
    for (const [key, model] of this.#models)
      if (!wanted.includes(key)) {
        model.dispose();
        this.#models.delete(key);
      }
    return [this.#model(current), this.#model(challenger)];
  }

  #model(keepFloat: readonly string[]): CompiledModel {
    const key = String(keepFloat);
    const model = this.#models.get(key) ?? this.#compile(keepFloat);
    this.#models.set(key, model);
    return model;
  }

  [Symbol.dispose](): void {
    for (const model of this.#models.values()) model.dispose();
    this.#models.clear();
  }
}
