import { modelSettings, type Setting, settings } from './settings.ts';

const properties = (some: Readonly<Record<string, Setting>>) =>
  Object.fromEntries(
    Object.entries(some).map(([name, { schema, text, default: usual }]) => [
      name,
      { ...schema, description: text, ...(usual === undefined ? {} : { default: usual }) },
    ]),
  );

/** The JSON Schema of a configuration file, for editors: `octavo serve --print-schema`. */
export const fileSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Configuration of octavo serve',
  type: 'object',
  additionalProperties: false,
  properties: {
    $schema: { type: 'string', description: 'where this schema is, for editors' },
    repository: {
      type: 'string',
      minLength: 1,
      description: 'a folder with <name>.octavo or <name>/<version>/model.octavo, or one .octavo file',
    },
    ...properties(settings),
    models: {
      type: 'object',
      description: 'by names of models, what they have otherwise than the rest',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: properties(modelSettings),
      },
    },
  },
} as const;
