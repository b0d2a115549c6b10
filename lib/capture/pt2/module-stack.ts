import type { ModuleFrame, SourceFn } from '../../graph/index.ts';

/** What PyTorch writes for nodes that it created itself, outside every module. */
const NO_STACK = '_empty_nn_module_stack_from_metadata_hook';
/** Limit on the nesting of containers in a path. */
const DEEPEST_NESTING = 64;

/**
 * Parses a node's `nn_module_stack` as stored in the archive: `key,path,type` frames joined by semicolons, outermost
 * first. Only the path may contain commas.
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

/** Parses a node's `source_fn_stack`: `name,target` entries joined by semicolons, outermost first. */
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

/** PyTorch's own modules: what they call was traced from the module. Containers only call their parts. */
export function isBuiltin(type: string): boolean {
  return type.startsWith('torch.nn.modules.') && !type.includes('.container.');
}

/**
 * Functions of `torch.nn.functional` that are bound to C++ directly, and whose names therefore differ from their kind.
 */
const boundFunctions: ReadonlySet<string> = new Set([
  ...[
    'linear',
    'gelu',
    'avg_pool2d',
    'avg_pool3d',
    'pad',
    'one_hot',
    'softplus',
    'softshrink',
    'log_sigmoid',
  ],
  ...['hardtanh_', 'leaky_relu_', 'elu_', 'scaled_dot_product_attention'],
]);

/** Python's operators by the method that implements them: `x + y` calls `add`, which people rarely call directly. */
const operatorMethods: ReadonlyMap<string, string> = new Map([
  ...['add', 'sub', 'mul', 'matmul', 'neg'].map((name) => [name, name] as const),
  ...['add', 'sub', 'mul'].map((name) => [`${name}_`, `i${name}`] as const),
  ...['getitem', 'setitem', 'eq'].map((name) => [`__${name}__`, name] as const),
  ['div', 'truediv'],
  ['div_', 'itruediv'],
]);

/**
 * Computes the `source_fn_stack` that a non-strict export (`strict=False`, the default since PyTorch 2.8) leaves out,
 * as a strict export of PyTorch 2.8 and later would write it: the module that called the operator, if it is one of
 * PyTorch's own, else the function.
 * @param moduleStack the node's `nn_module_stack`, whose frames begin with the name of the call: `L__self__fc@1`.
 * @param torchFn the node's `torch_fn`: `linear_1;builtin_function_or_method.linear`.
 */
export function deriveSourceFnStack(
  moduleStack: string | undefined,
  torchFn: string | undefined,
): SourceFn[] {
  const frame = moduleStack?.split(';').at(-1) ?? '';
  const target = frame.slice(frame.lastIndexOf(',') + 1);
  if (isBuiltin(target)) return [{ name: frame.slice(0, frame.indexOf(',')), target }];
  const [name, qualified = ''] = torchFn?.split(';') ?? [];
  const [kind, called] = qualified.split('.');
  if (name === undefined || called === undefined) return [];
  return [{ name, target: sourceOf(kind, called) }];
}

/**
 * A function's name in Python, by the type of the function object. PyTorch's functions written in Python belong to `F`.
 */
function sourceOf(kind: string, name: string): string {
  if (kind === 'function') return `torch.nn.functional.${name}`;
  if (kind !== 'builtin_function_or_method')
    return operatorMethods.has(name) ? `_operator.${operatorMethods.get(name)}` : name;
  return boundFunctions.has(name) ? `torch._C._nn.${name}` : `torch.${name}`;
}

/**
 * A module's name in `named_modules()`, from the Python expression that the tracer recorded:
 * `getattr(L['self'].features, '0').conv` becomes `features.0.conv`.
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
