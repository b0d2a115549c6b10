import type { Value } from './dispatch.ts';
import { Module } from './module.ts';

/** A module whose parts are numbered. */
abstract class NumberedModules<M extends Module> extends Module {
  readonly #items: readonly M[];

  constructor(items: readonly M[]) {
    super();
    this.#items = [...items];
  }

  override get namedChildren(): readonly (readonly [string, M])[] {
    return this.#items.map((item, i) => [String(i), item]);
  }

  get length(): number {
    return this.#items.length;
  }

  [Symbol.iterator](): Iterator<M> {
    return this.#items[Symbol.iterator]();
  }

  /** @throws Error when there is no such module. */
  at(index: number): M {
    const item = this.#items.at(index);
    if (!item) throw new Error(`${this.type}: there is no module ${index}; there are ${this.length}`);
    return item;
  }
}

/** Modules that are called one after the other (counterpart: `torch.nn.Sequential`). */
export class Sequential extends NumberedModules<Module> {
  constructor(...items: readonly Module[]) {
    super(items);
  }

  override get type(): string {
    return 'torch.nn.modules.container.Sequential';
  }

  forward(x: Value): Value {
    let value = x;
    for (const item of this) value = item.call(value) as Value;
    return value;
  }
}

/** A list of modules, which its owner calls (counterpart: `torch.nn.ModuleList`). */
export class ModuleList<M extends Module = Module> extends NumberedModules<M> {
  override get type(): string {
    return 'torch.nn.modules.container.ModuleList';
  }

  /** @throws always: a list says nothing of how its modules are to be called. */
  forward(): never {
    throw new Error('ModuleList cannot be called; call its modules');
  }
}
