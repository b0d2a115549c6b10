import { Buffer, Module, Parameter } from './module.ts';

/**
 * A copy of a module and of all inside it (counterpart: `copy.deepcopy`). The copies share their tensors, whose elements are never
 * written, with the originals; a tensor that is replaced in one stays in the other. They share observers as well.
 * @throws Error when a class between the module's and Module has private fields (`#`), which only its constructor can make; or when a
 * field holds a function that would go on working on the original.
 */
export function deepcopy<M extends Module>(module: M): M {
  return new Copier().copy(module) as M;
}

/** Copies what modules are made of. Everything else, as tensors and observers, is shared. */
class Copier {
  readonly #copies = new Map<object, object>();

  copy(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const known = this.#copies.get(value);
    if (known) return known;
    if (value instanceof Module) {
      refusePrivateFields(value);
      return this.#fill(value, Reflect.construct(Module, [], value.constructor) as Module);
    }
    if (value instanceof Parameter) return this.#remember(value, new Parameter(value.tensor));
    if (value instanceof Buffer) return this.#remember(value, new Buffer(value.tensor, value.persistent));
    if (value instanceof Map) {
      const map = this.#remember(value, new Map<unknown, unknown>());
      for (const [key, item] of value) map.set(key, this.copy(item));
      return map;
    }
    if (Array.isArray(value)) return this.#fill(value, []);
    return Object.getPrototypeOf(value) === Object.prototype ? this.#fill(value, {}) : value;
  }

  /** Gives a copy of everything that the original has. */
  #fill(original: object, copy: object): object {
    this.#remember(original, copy);
    for (const [name, value] of Object.entries(original)) {
      refuseBoundFunction(name, value);
      Object.assign(copy, { [name]: this.copy(value) });
    }
    return copy;
  }

  #remember<T extends object>(original: object, copy: T): T {
    this.#copies.set(original, copy);
    return copy;
  }
}

/** Nothing but their class's own code says whether an object has private fields; without them its methods would fail later. */
function refusePrivateFields(module: Module): void {
  for (let type = module.constructor; type !== Module; type = Object.getPrototypeOf(type) as typeof type)
    if (/\bthis\.#|#\w+ in /.test(Function.prototype.toString.call(type)))
      throw new Error(
        `${type.name} has private fields (#), which cannot be copied; declare them 'private', or change the model in place: ` +
          '{ inplace: true }',
      );
}

/** An arrow function's `this` is the original for good, as that of a bound function is. */
function refuseBoundFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') return;
  const source = Function.prototype.toString.call(value);
  const hasItsOwnThis = /^(?:class|(?:async\s+)?function)\b/.test(source);
  if (value.name.startsWith('bound ') || (!hasItsOwnThis && /\bthis\b/.test(source)))
    throw new Error(
      `the field '${name}' is a function whose 'this' cannot be copied; make it a method of the class, or change the model in place: ` +
        '{ inplace: true }',
    );
}
