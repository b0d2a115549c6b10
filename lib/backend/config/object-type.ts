import { Module } from '../../nn/index.ts';

/** The constructor of a module: `nn.Linear`, or a class of the user's. */
export type ModuleClass = abstract new (...args: never[]) => Module;

/**
 * What a node of FX graph mode calls: a module class (`nn.Linear`), a function of `nn.functional` (`F.relu`), or a name as PyTorch has it:
 * `'torch.nn.Linear'`, `'torch.nn.functional.relu'`, `'torch.cat'`, `'operator.add'`, and for a method `'reshape'`. A function object
 * stands for every form of that name: `F.relu` also for `torch.relu` and the method.
 */
export type ObjectType = string | ModuleClass | ((...args: never[]) => unknown);

/** Functions that PyTorch has under two names, `torch.conv2d` and `torch.nn.functional.conv2d`. */
const alsoFunctional =
  /^torch\.((?:conv(?:_transpose)?[123]d)|avg_pool1d|adaptive_avg_pool1d|pixel_(?:un)?shuffle)$/;

/** A name as graphs or people have it, in the one form that is compared: `torch.nn.Conv2d`, `operator.add`, `reshape`. */
export function canonicalType(name: string): string {
  return name
    .replace(/^torch\.nn\.modules\.(?:\w+\.)*(\w+)$/, 'torch.nn.$1')
    .replace(/^nn\./, 'torch.nn.')
    .replace(/^(?:F|torch\._C\._nn)\./, 'torch.nn.functional.')
    .replace(alsoFunctional, 'torch.nn.functional.$1')
    .replace(/^(torch\.nn\.functional\.\w*[a-z0-9])_$/, '$1')
    .replace(/^_operator\./, 'operator.')
    .replace(/^operator\.i(add|sub|mul)$/, 'operator.$1');
}

/**
 * The key of a type. A function object has one of its own, since JavaScript does not say whether PyTorch's is in `torch` or in
 * `torch.nn.functional`.
 * @throws Error when it is none of an {@link ObjectType}'s forms.
 */
export function keyOfType(type: ObjectType, where: string): string {
  if (typeof type === 'string' && type !== '') return canonicalType(type);
  if (typeof type !== 'function' || type.name === '')
    throw new Error(`${where}: expected a module class, a function or its name, got ${String(type)}`);
  const { prototype } = type as { prototype?: unknown };
  if (prototype instanceof Module) return canonicalType(prototype.type);
  return anyForm(type.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

/** The keys by which a node's type is looked up, the most particular first. */
export function keysOf(canonical: string): readonly string[] {
  const last = canonical.slice(canonical.lastIndexOf('.') + 1);
  return [...new Set([canonical, /^[A-Z]/.test(last) ? last : anyForm(last)])];
}

const anyForm = (name: string): string => `*.${name.replace(/_$/, '')}`;
