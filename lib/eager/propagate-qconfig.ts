import type { Module } from '../nn/index.ts';
import { QConfig } from '../quantization/index.ts';

/** A class of modules. */
export type ModuleClass = new (...args: never[]) => Module;

/** Which modules: a class, or the path of one. */
export type ModuleKey = ModuleClass | string;

/** Configurations by class or path of modules; null leaves them in floating point. */
export type QConfigSpec = ReadonlyMap<ModuleKey, QConfig | null>;

/**
 * Gives every module a `qconfig`: its own, otherwise that of its path, of its class, or of the module around it (counterpart:
 * `torch.ao.quantization.propagate_qconfig_`).
 * @throws Error that names a module whose `qconfig` is no {@link QConfig}.
 */
export function propagateQconfig(model: Module, spec: QConfigSpec = new Map()): void {
  propagate(model, spec, undefined, '');
}

function propagate(
  module: Module,
  spec: QConfigSpec,
  parent: QConfig | null | undefined,
  path: string,
): void {
  const key = [path, module.constructor as ModuleClass].find((one) => spec.has(one));
  const inherited = key === undefined ? parent : spec.get(key);
  const qconfig = module.qconfig === undefined ? inherited : module.qconfig;
  if (qconfig !== undefined && qconfig !== null && !(qconfig instanceof QConfig))
    throw new Error(
      `the qconfig of ${path || 'the model'} (${module.type}) must be a QConfig, null or undefined`,
    );
  if (qconfig !== undefined) module.qconfig = qconfig;
  for (const [name, child] of module.namedChildren)
    propagate(child, spec, qconfig, path === '' ? name : `${path}.${name}`);
}
