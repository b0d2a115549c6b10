import { inspect } from 'node:util';
import { parseJson } from '../formats/parse-json.ts';
import { encodeSafetensors } from '../formats/safetensors.ts';
import { loadSafetensors } from '../formats/safetensors-file.ts';
import { writeWhole } from '../formats/whole-file.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { checkPath } from './checks.ts';
import { DataLoader, type DataLoaderState } from './loading/data-loader.ts';
import { LRScheduler, type ScheduleState } from './schedules/index.ts';
import { Trainer } from './trainer.ts';

/** What a checkpoint is made of, and goes back into. */
export interface CheckpointParts {
  /** Its model's tensors, its optimizer's, and the number of steps: `trainer.stateDict()`. */
  readonly trainer: Trainer;
  /** How far the learning rate has come. */
  readonly schedule?: LRScheduler;
  /** Which batches have been given out. */
  readonly loader?: DataLoader;
  /** What else decides the run, by names of your own: `{ weightBits: '4' }`. A checkpoint of a run with others is refused. */
  readonly settings?: Readonly<Record<string, string>>;
}

const partNames: OptionNames<CheckpointParts> = {
  trainer: true,
  schedule: true,
  loader: true,
  settings: true,
};

const format = 'octavo checkpoint';
/** Raised when older readers would misunderstand a file. */
const version = '1';

/**
 * Writes where a run stands to a safetensors file: the tensors of `trainer.stateDict()`, and as JSON the states of schedule and loader
 * and the settings (counterpart: `torch.save({'model': …, 'optimizer': …}, path)`). The file is written beside `path`, and replaces it
 * when it is on the disk: a process that ends meanwhile leaves the checkpoint before, and at most a file `PATH.….tmp` that can be deleted.
 *
 *     await saveCheckpoint('run.safetensors', { trainer, schedule, loader });
 * @throws (rejects) Error that names the path when it cannot be written.
 */
export async function saveCheckpoint(path: string, parts: CheckpointParts): Promise<void> {
  checkPath(path, 'path', 'saveCheckpoint');
  checkParts(parts, 'saveCheckpoint');
  const { trainer, schedule, loader, settings } = parts;
  const metadata = {
    format,
    version,
    ...(schedule ? { schedule: JSON.stringify(schedule.stateDict()) } : {}),
    ...(loader ? { loader: JSON.stringify(loader.stateDict()) } : {}),
    ...(settings ? { settings: JSON.stringify(settings) } : {}),
  };
  await writeWhole(path, encodeSafetensors({ tensors: trainer.stateDict(), metadata }));
}

/**
 * Goes on where {@link saveCheckpoint} was called (counterpart: `load_state_dict(torch.load(path))`). The parts must have been made as
 * those that were saved; then what follows is the same, bit for bit. A part that is not given stays where it was.
 *
 *     await loadCheckpoint('run.safetensors', { trainer, schedule, loader });
 * @throws (rejects) Error that names the path and what differs, for a file that is missing, cut off, no checkpoint, or one of another
 * model, optimizer, schedule, loader or settings; nothing is changed then.
 */
export async function loadCheckpoint(path: string, parts: CheckpointParts): Promise<void> {
  checkPath(path, 'path', 'loadCheckpoint');
  checkParts(parts, 'loadCheckpoint');
  const { tensors, metadata } = await loadSafetensors(path);
  if (metadata.format !== format)
    throw new Error(`${path} is a safetensors file, but not a checkpoint that Octavo saved`);
  if (metadata.version !== version)
    throw new Error(
      `${path} is a checkpoint of version ${metadata.version}; this version of Octavo reads ${version}`,
    );
  const { trainer, schedule, loader, settings } = parts;
  const before = { lr: trainer.optimizer.lr, schedule: schedule?.stateDict(), loader: loader?.stateDict() };
  try {
    // First: what follows from a setting differs, too, and says less.
    if (settings) checkSettings(settings, stateIn(metadata, 'settings') as typeof settings);
    if (schedule) schedule.loadStateDict(stateIn(metadata, 'schedule') as ScheduleState);
    if (loader) loader.loadStateDict(stateIn(metadata, 'loader') as DataLoaderState);
    // Last: the rate may have been changed by hand.
    trainer.loadStateDict(tensors);
  } catch (error) {
    if (before.schedule) schedule!.loadStateDict(before.schedule);
    if (before.loader) loader!.loadStateDict(before.loader);
    trainer.optimizer.lr = before.lr;
    throw new Error(`${path} does not fit: ${(error as Error).message}`, { cause: error });
  }
}

function stateIn(
  metadata: Readonly<Record<string, string>>,
  part: Exclude<keyof CheckpointParts, 'trainer'>,
): object {
  const text = metadata[part];
  if (text === undefined) throw new Error(`it was saved without ${part === 'settings' ? part : `a ${part}`}`);
  const state: unknown = parseJson(text);
  if (typeof state !== 'object' || state === null) throw new Error(`its ${part} is damaged: ${text}`);
  return state;
}

/** @throws Error that names the first setting that differs. */
function checkSettings(own: Readonly<Record<string, unknown>>, saved: typeof own): void {
  for (const name of Object.keys({ ...own, ...saved })) {
    const [before, now] = [saved, own].map((settings) =>
      settings[name] === undefined ? 'none' : String(settings[name]),
    );
    if (before !== now) throw new Error(`it is of a run with ${name} ${before}; this one has ${now}`);
  }
}

/** @throws Error that names the part that is none, or of another run. */
export function checkParts(parts: CheckpointParts, where: string): void {
  checkOptions(parts, partNames, where);
  const { trainer, schedule, loader, settings } = parts;
  const refuse = (name: string, what: string) => {
    throw new Error(`${where}: ${name} must be a ${what}`);
  };
  if (!(trainer instanceof Trainer)) refuse('trainer', 'Trainer');
  if (schedule !== undefined && !(schedule instanceof LRScheduler)) refuse('schedule', 'schedule');
  if (loader !== undefined && !(loader instanceof DataLoader)) refuse('loader', 'DataLoader');
  if (settings !== undefined && !isTexts(settings))
    throw new Error(`${where}: settings must be texts by name, got ${inspect(settings)}`);
  if (schedule && schedule.optimizer !== trainer.optimizer)
    throw new Error(`${where}: the schedule is not one of the trainer's optimizer`);
}

const isTexts = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((each) => typeof each === 'string');
