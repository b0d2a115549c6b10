import type { OnnxValue } from './values.ts';

/** What the names of one graph or function stand for. A name that is not here is looked up around it. */
export class Scope {
  /** The version of each operator set that nodes here are of, by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly #values = new Map<string, OnnxValue>();
  readonly #initializers = new Map<string, () => OnnxValue>();
  readonly #outer: Scope | undefined;

  constructor(opsets: ReadonlyMap<string, number>, outer?: Scope) {
    this.opsets = opsets;
    this.#outer = outer;
  }

  /** Everything that is defined here, not around it. */
  get names(): ReadonlySet<string> {
    return new Set([...this.#values.keys(), ...this.#initializers.keys()]);
  }

  define(name: string, value: OnnxValue): void {
    this.#values.set(name, value);
  }

  /** Defines a constant that is read when something first asks for it. */
  defineLate(name: string, read: () => OnnxValue): void {
    this.#initializers.set(name, read);
  }

  hasInitializer(name: string): boolean {
    return this.#initializers.has(name);
  }

  find(name: string): OnnxValue | undefined {
    const known = this.#values.get(name);
    if (known) return known;
    const read = this.#initializers.get(name);
    if (!read) return this.#outer?.find(name);
    const value = read();
    this.#values.set(name, value);
    return value;
  }

  /** @throws Error when there is no value of that name. */
  get(name: string): OnnxValue {
    const value = this.find(name);
    if (!value) throw new Error(`it reads '${name}', which nothing defines`);
    return value;
  }
}
