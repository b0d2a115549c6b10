import type { CallableModule } from '../graph/index.ts';
import type { DType, Tensor } from '../tensor/index.ts';
import { callModule, type Scope, type Value, within } from './dispatcher.ts';

/**
 * A trained tensor of a module (counterpart: `torch.nn.Parameter`). `tensor` may be replaced; its elements are never
 * written.
 */
export class Parameter {
  tensor: Tensor;

  constructor(tensor: Tensor) {
    this.tensor = tensor;
  }
}

/** A tensor of a module that is not trained, such as running statistics (counterpart: `torch.nn.Buffer`). */
export class Buffer {
  tensor: Tensor;
  /** Whether it belongs to the state dict. */
  readonly persistent: boolean;

  constructor(tensor: Tensor, persistent = true) {
    this.tensor = tensor;
    this.persistent = persistent;
  }
}

/** An observer or a fake quantizer, as modules see it: it passes values on, and knows later how to quantize them. */
export interface ActivationPostProcess extends CallableModule {
  readonly dtype: DType;
  readonly qscheme?: string;
  /** The channel axis of per-channel schemes. */
  readonly chAxis?: number;
  readonly quantMin?: number;
  readonly quantMax?: number;
  /** Whether parameters are computed from each tensor when the model runs. */
  readonly isDynamic: boolean;
  readonly hasObserved: boolean;
  calculateQparams(): { readonly scale: Tensor; readonly zeroPoint: Tensor };
}

/** What a module knows of how it is to be quantized: a `QConfig` of `octavo`. */
export interface ModuleQConfig {
  readonly activation: { create(): ActivationPostProcess };
  readonly weight: { create(): ActivationPostProcess };
}

/** A part of a module, and the name that it has there. */
export type Named<T> = readonly [name: string, item: T];

/**
 * A part of a model (counterpart: `torch.nn.Module`). Fields that hold a {@link Parameter}, a {@link Buffer} or a
 * Module are its parts, in the order of their assignment; private fields (`#`) are not included. A subclass defines
 * `forward`. Callers use {@link Module.call}, which also records where in the model the call was made.
 */
export abstract class Module implements Scope {
  /** Whether dropout and batch norm are in training mode; see {@link Module.eval}. */
  training = true;
  /**
   * How `octavo/eager` quantizes this module and all inside it that have none of their own; null leaves them in floating point,
   * undefined leaves it to the module around.
   */
  declare qconfig?: ModuleQConfig | null;
  /** Sees what the module returns, between `prepare` and `convert`. */
  declare activationPostProcess?: ActivationPostProcess;

  abstract forward(...inputs: Value[]): Value | readonly Value[];

  /** Calls the module: PyTorch's `module(x)`. */
  call(...inputs: Parameters<this['forward']>): ReturnType<this['forward']> {
    return within(this, () => {
      const result = this.forward(...(inputs as Value[]));
      return this.activationPostProcess ? callModule(this.activationPostProcess, result as Value) : result;
    }) as ReturnType<this['forward']>;
  }

  /** The name of the class in graphs. PyTorch's own modules have PyTorch's names. */
  get type(): string {
    return this.constructor.name;
  }

  /** The module's own parameters, by the name of their field. */
  get ownParameters(): readonly Named<Parameter>[] {
    return Object.entries(this).filter(
      (entry): entry is [string, Parameter] => entry[1] instanceof Parameter,
    );
  }

  /** The module's own buffers, by the name of their field. */
  get ownBuffers(): readonly Named<Buffer>[] {
    return Object.entries(this).filter((entry): entry is [string, Buffer] => entry[1] instanceof Buffer);
  }

  /** Modules directly inside this one, by name (`named_children`). */
  get namedChildren(): readonly Named<Module>[] {
    return Object.entries(this).filter((entry): entry is [string, Module] => entry[1] instanceof Module);
  }

  /** This module (named '') and all inside it, by path (`named_modules`). */
  namedModules(prefix = ''): readonly Named<Module>[] {
    const inner = this.namedChildren.flatMap(([name, child]) => child.namedModules(join(prefix, name)));
    return [[prefix, this], ...inner];
  }

  /**
   * The module inside this one at a path: `layer1.0.conv1`; the module itself for '' (`get_submodule`).
   * @throws Error that says what there is instead.
   */
  getSubmodule(path: string): Module {
    let module: Module = this;
    for (const name of path === '' ? [] : path.split('.')) {
      const children: ReadonlyMap<string, Module> = new Map(module.namedChildren);
      const child = children.get(name);
      if (!child)
        throw new Error(
          `${this.type}: there is no module '${path}': ${module.type} has ${[...children.keys()].join(', ') || 'none'}`,
        );
      module = child;
    }
    return module;
  }

  /**
   * Puts a module in the place of the one at a path (`set_submodule`).
   * @throws Error when there is none at that path, or the path is empty.
   */
  setSubmodule(path: string, module: Module): void {
    if (path === '') throw new Error(`${this.type}: setSubmodule needs the path of a module inside of it`);
    this.getSubmodule(path);
    const end = path.lastIndexOf('.');
    this.getSubmodule(path.slice(0, Math.max(end, 0))).setChild(path.slice(end + 1), module);
  }

  /** Puts a module in the place of one directly inside this one. */
  protected setChild(name: string, module: Module): void {
    Object.assign(this, { [name]: module });
  }

  /** All parameters by path: `layer1.0.conv1.weight` (`named_parameters`). */
  namedParameters(): readonly Named<Parameter>[] {
    return this.namedModules().flatMap(([path, module]) => withPath(path, module.ownParameters));
  }

  /** All buffers by path (`named_buffers`). */
  namedBuffers(): readonly Named<Buffer>[] {
    return this.namedModules().flatMap(([path, module]) => withPath(path, module.ownBuffers));
  }

  /** Sets training mode on this module and all inside it. */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.training = mode;
    return this;
  }

  /** Sets evaluation mode on this module and all inside it. Required before an export. */
  eval(): this {
    return this.train(false);
  }

  /** Parameters and persistent buffers by path, in PyTorch's order. */
  stateDict(): Map<string, Tensor> {
    return new Map(this.#state().map(([path, holder]) => [path, holder.tensor]));
  }

  /**
   * Replaces the tensors with those of a state dict, without copying them.
   * @throws Error that lists every missing and unexpected name and every tensor of another dtype or shape.
   */
  loadStateDict(state: ReadonlyMap<string, Tensor>): void {
    const holders = new Map(this.#state());
    const problems = [...state.keys()]
      .filter((path) => !holders.has(path))
      .map((path) => `unexpected '${path}'`);
    for (const [path, holder] of holders) {
      const tensor = state.get(path);
      if (!tensor) problems.push(`missing '${path}'`);
      else if (describe(tensor) !== describe(holder.tensor))
        problems.push(`'${path}' is ${describe(tensor)}, expected ${describe(holder.tensor)}`);
    }
    if (problems.length > 0) throw new Error(`loadStateDict of ${this.type}: ${problems.join('; ')}`);
    for (const [path, holder] of holders) holder.tensor = state.get(path)!;
  }

  #state(): Named<Parameter | Buffer>[] {
    return this.namedModules().flatMap(([path, module]) => [
      ...withPath<Parameter | Buffer>(path, module.ownParameters),
      ...withPath<Parameter | Buffer>(
        path,
        module.ownBuffers.filter(([, buffer]) => buffer.persistent),
      ),
    ]);
  }
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}

function withPath<T>(path: string, items: readonly Named<T>[]): Named<T>[] {
  return items.map(([name, item]) => [join(path, name), item]);
}

function describe(tensor: Tensor): string {
  return `${tensor.dtype} [${tensor.shape.join(', ')}]`;
}
