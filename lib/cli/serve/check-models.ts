import { resembling } from '../../options.ts';
import { listModelFiles } from '../../serve/models/model-files.ts';
import { type ServeSettings, servedModels } from './settings.ts';

/**
 * Checks that there are models, and those of which the file says how they differ. Where clients may load models, one may come later.
 * @throws Error (rejects) that names the one which is not there, and the one that it resembles; or the name that no model can have.
 */
export async function checkModels(settings: ServeSettings): Promise<void> {
  const { repository, modelName, models, modelControl } = settings;
  const files = await listModelFiles(servedModels(settings));
  const fault = files.find(({ name }) => name === modelName)?.fault;
  if (fault !== undefined) throw new Error(`--model-name ${modelName}: ${fault}`);
  if (modelControl === 'explicit') return;
  const names = [...new Set(files.map(({ name }) => name))];
  const absent = Object.keys(models).find((name) => !names.includes(name));
  if (absent === undefined) return;
  const meant = resembling(absent, names);
  throw new Error(
    `models.${absent}: there is no such model in ${repository}; ` +
      (meant === undefined ? `there are ${names.join(', ') || 'none'}` : `did you mean ${meant}?`),
  );
}
