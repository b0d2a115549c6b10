import { expect, it } from 'vitest';
import { type ServeOptions, serve } from '../../lib/serve/index.ts';

const named =
  'models must be the path of a folder or of an .octavo file, or { name, path } for a model with a name of its own';

it.each<[unknown, string]>([
  [{ prot: 8001 }, 'serve: unknown option "prot"; did you mean "port"?'],
  [
    { drainTimeout: Number.POSITIVE_INFINITY },
    'serve: drainTimeout must be a whole number from 0 to 2147483647, got Infinity',
  ],
  [{ drainTimeout: -1 }, 'serve: drainTimeout must be a whole number from 0 to 2147483647, got -1'],
  [
    { shutdownDelay: Number.NaN },
    'serve: shutdownDelay must be a whole number from 0 to 2147483647, got NaN',
  ],
  [
    { headersTimeout: 2 ** 31 },
    'serve: headersTimeout must be a whole number from 0 to 2147483647, got 2147483648',
  ],
  [{ models: undefined }, named],
  [{ models: 5 }, named],
  [{ models: { path: 'a' } }, named],
])('%o is refused', async (options, message) => {
  const given = { models: 'nothing', ...(options as object) } as ServeOptions;
  await expect(serve(given)).rejects.toThrow(new Error(message));
});
