import { canonicalType, keyOfType, keysOf, type ModuleClass } from '../backend/index.ts';
import type { GraphModule, Node } from '../graph/index.ts';

/**
 * What `prepareFx` treats otherwise (counterpart: `torch.ao.quantization.fx.custom_config.PrepareCustomConfig`). Of PyTorch's settings these
 * are here; docs/pytorch-names.md says why not the others.
 *
 * @example
 * prepareFx(model, mapping, { x }, { prepareCustomConfig: new PrepareCustomConfig().setNonTraceableModuleNames(['decoder']) });
 */
export class PrepareCustomConfig {
  #names: ReadonlySet<string> = new Set();
  #types: ReadonlySet<string> = new Set();

  /** Modules that stay in floating point with all that is in them. PyTorch does not look into them; here they are captured all the same. */
  setNonTraceableModuleNames(names: readonly string[]): this {
    this.#names = new Set(names);
    return this;
  }

  /** The same for all modules of a class. */
  setNonTraceableModuleClasses(classes: readonly (ModuleClass | string)[]): this {
    this.#types = new Set(classes.map((each) => keyOfType(each, 'PrepareCustomConfig')));
    return this;
  }

  /** @throws Error that names a module that was never called in the captured model. @internal */
  checkNames({ graph }: GraphModule, where: string): void {
    const paths = new Set(
      graph.nodes.flatMap(({ meta }) => meta.nnModuleStack ?? []).map(({ path }) => path),
    );
    const unknown = [...this.#names].find((name) => !paths.has(name));
    if (unknown !== undefined)
      throw new Error(
        `${where}: setNonTraceableModuleNames names '${unknown}', and the model calls no such module; there are ` +
          [...paths].filter((path) => path !== '').join(', '),
      );
  }

  /** Whether a node was captured within one of these modules. @internal */
  leavesOut({ meta }: Node): boolean {
    return (meta.nnModuleStack ?? []).some(
      ({ path, type }) =>
        this.#names.has(path) || keysOf(canonicalType(type)).some((key) => this.#types.has(key)),
    );
  }
}
