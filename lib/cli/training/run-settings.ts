import { createHash, type Hash } from 'node:crypto';
import type { Dataset } from '../../data/index.ts';
import type { GraphModule } from '../../graph/index.ts';
import type { Tensors } from '../../training/index.ts';
import { flagOf } from '../flag-of.ts';
import type { TrainSettings } from './settings.ts';

/** They may differ when a run goes on: they say where files are, or how fast. `data` and `model` are known by what is in them. */
const elsewhere: readonly string[] = [
  ...(['model', 'data', 'out', 'val', 'checkpoint', 'checkpointEvery', 'resume', 'threads'] as const),
] satisfies readonly (keyof TrainSettings)[];

/**
 * What decides the result of a run, by flags, as texts: for the checkpoint, which is good for the same run only.
 * @param captured the float model before it is trained.
 */
export async function runSettings(
  captured: GraphModule,
  dataset: Dataset,
  settings: TrainSettings,
): Promise<Readonly<Record<string, string>>> {
  const all = Object.entries({ ...settings, ...dataset.preprocessing })
    .filter(([name, value]) => value !== undefined && !elsewhere.includes(name))
    .map(([name, value]) => [flagOf(name), String(value)] as const);
  return {
    ...Object.fromEntries(all),
    model: checksum((hash) => addTensors(hash, Object.fromEntries(captured.attributes))),
    '--data': await dataChecksum(dataset),
  };
}

/** Of all classes, and of the first and the last example: data may have moved, and reading all of them would take long. */
async function dataChecksum(dataset: Dataset): Promise<string> {
  const { size } = dataset;
  const labels = await dataset.labels();
  const ends = [await dataset.examples([0]), await dataset.examples([size - 1])];
  const sum = checksum((hash) => {
    hash.update(JSON.stringify(labels));
    for (const { inputs } of ends) addTensors(hash, inputs);
  });
  return `of ${size} examples, ${sum}`;
}

function checksum(add: (hash: Hash) => void): string {
  const hash = createHash('sha256');
  add(hash);
  return `sha256:${hash.digest('hex').slice(0, 16)}`;
}

function addTensors(hash: Hash, tensors: Tensors): void {
  for (const [name, tensor] of Object.entries(tensors))
    hash.update(`${name} ${tensor.dtype} ${tensor.shape}`).update(tensor.bytes());
}
