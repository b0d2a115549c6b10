import type { Argument, Schema, SchemaArgument } from '../../graph/index.ts';

/** A call's arguments in torch.fx's form, and which of them were floats in Python where the schema cannot tell. */
export interface BoundArguments {
  readonly args: readonly Argument[];
  readonly kwargs: Readonly<Record<string, Argument>>;
}

/**
 * Places named arguments as PyTorch's tracer does: positional ones up to the last one present, with defaults in the
 * gaps, and keyword-only ones by name. Trailing defaults are left out.
 * @throws Error that names the argument: unknown to the schema, present twice, or required and missing.
 */
export function bindByName(schema: Schema, named: readonly (readonly [string, Argument])[]): BoundArguments {
  const given = new Map<string, Argument>();
  for (const [name, value] of named) {
    if (!schema.arguments.some((argument) => argument.name === name))
      throw new Error(`${schema.name} has no argument '${name}'`);
    if (given.has(name)) throw new Error(`${schema.name}: argument '${name}' is given twice`);
    given.set(name, value);
  }
  const args: Argument[] = [];
  const kwargs: Record<string, Argument> = {};
  const positional = schema.arguments.filter((argument) => !argument.keywordOnly);
  const last = positional.findLastIndex((argument) => given.has(argument.name));
  for (const [i, argument] of positional.entries()) {
    const value = given.get(argument.name);
    if (i <= last) args.push(value === undefined ? defaultOf(schema, argument) : value);
    else defaultOf(schema, argument);
  }
  for (const argument of schema.arguments.filter((argument) => argument.keywordOnly)) {
    const value = given.get(argument.name);
    if (value === undefined) defaultOf(schema, argument);
    else kwargs[argument.name] = value;
  }
  return { args, kwargs };
}

function defaultOf(schema: Schema, argument: SchemaArgument): Argument {
  if (argument.defaultValue !== undefined) return argument.defaultValue;
  if (argument.optional) return null;
  throw new Error(`${schema.name}: argument '${argument.name}' (${argument.type}) is missing`);
}
