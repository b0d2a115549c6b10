import type { ModuleFrame, SourceFn } from '../graph/index.ts';

/** What PyTorch writes for nodes of its own making, outside every module. */
const NO_STACK = '_empty_nn_module_stack_from_metadata_hook';
/** Containers inside containers that a path is followed through. */
const DEEPEST_NESTING = 64;

/**
 * Reads a node's `nn_module_stack` as the archive writes it: `key,path,type` frames joined by semicolons, outermost first.
 * Only the path may contain commas.
 */
export function parseModuleStack(text: string): ModuleFrame[] {
  return text
    .split(';')
    .filter((frame) => frame !== '' && !frame.startsWith(NO_STACK))
    .map((frame) => ({
      path: modulePath(frame.slice(frame.indexOf(',') + 1, Math.max(frame.lastIndexOf(','), 0))),
      type: frame.slice(frame.lastIndexOf(',') + 1),
    }));
}

/** Reads a node's `source_fn_stack`: `name,target` entries joined by semicolons, outermost first. */
export function parseSourceFnStack(text: string): SourceFn[] {
  return text
    .split(';')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const comma = entry.indexOf(',');
      return comma < 0
        ? { name: entry, target: entry }
        : { name: entry.slice(0, comma), target: entry.slice(comma + 1) };
    });
}

/**
 * The name `named_modules()` gives a module, from the Python expression the tracer saw:
 * `getattr(L['self'].features, '0').conv` is `features.0.conv`.
 */
function modulePath(expression: string): string {
  let path = expression;
  for (let depth = 0; depth < DEEPEST_NESTING && path.includes('getattr('); depth++)
    path = path.replace(/getattr\(([^()]*),\s*'([^']*)'\)/g, '$1.$2');
  return path
    .replace(/^L\['[^']*'\]/, '')
    .replace(/\._modules\['([^']*)'\]/g, '.$1')
    .replace(/\[(\d+)\]/g, '.$1')
    .replace(/^\./, '');
}
