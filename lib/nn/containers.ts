import type { Value } from './dispatcher.ts';
import { Module } from './module.ts';

/** A module whose parts are a list, named by their indices unless they have names. */
abstract class Container<M extends Module> extends Module {
  private readonly items: Map<string, M>;

  constructor(items: Readonly<Record<string, M>> | readonly M[]) {
    super();
    this.items = new Map(Object.entries(items));
  }

  override get namedChildren(): readonly (readonly [string, M])[] {
    return [...this.items];
  }

  protected override setChild(name: string, module: Module): void {
    this.items.set(name, module as M);
  }

  get length(): number {
    return this.items.size;
  }

  [Symbol.iterator](): Iterator<M> {
    return this.items.values();
  }

  /** @throws Error when the index is out of range. */
  at(index: number): M {
    const item = [...this.items.values()].at(index);
    if (!item) throw new Error(`${this.type}: there is no module ${index}; there are ${this.length}`);
    return item;
  }
}

/** Modules that are called one after the other (counterpart: `torch.nn.Sequential`). */
export class Sequential extends Container<Module> {
  /** @param items the modules, or one record of modules by name. */
  constructor(...items: readonly Module[] | readonly [Readonly<Record<string, Module>>]) {
    const [first] = items;
    super(items.length === 1 && !(first instanceof Module) ? first : (items as readonly Module[]));
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
export class ModuleList<M extends Module = Module> extends Container<M> {
  constructor(items: readonly M[]) {
    super(items);
  }

  override get type(): string {
    return 'torch.nn.modules.container.ModuleList';
  }

  /** @throws always: a list does not define how its modules are called. */
  forward(): never {
    throw new Error('ModuleList cannot be called; call its modules');
  }
}
