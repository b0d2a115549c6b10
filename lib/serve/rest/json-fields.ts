import { badRequest } from '../errors.ts';

/** A JSON object whose fields are not checked yet. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * The object that a body is.
 * @throws ProtocolError when it is none, as every function here.
 */
export function parseObject(json: Buffer): Fields {
  let value: unknown;
  try {
    value = JSON.parse(json.toString('utf8'));
  } catch (error) {
    throw badRequest(`the request is not JSON: ${(error as Error).message}`);
  }
  return objectIn(value, 'the request');
}

export function objectIn(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest(`${where} must be a JSON object`);
  return value as Fields;
}

export const parametersOf = (fields: Fields, where: string): Fields =>
  objectIn(fields.parameters ?? {}, `parameters of ${where}`);

export function listIn(fields: Fields, name: string, where: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw badRequest(`${name} of ${where} must be an array`);
  return value;
}

export function stringIn(fields: Fields, name: string, where: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw badRequest(`${name} of ${where} must be a string`);
  return value;
}

export function booleanIn(fields: Fields, name: string, where: string): boolean | undefined {
  const value = fields[name] ?? undefined;
  if (value !== undefined && typeof value !== 'boolean')
    throw badRequest(`${name} of ${where} must be true or false`);
  return value;
}
