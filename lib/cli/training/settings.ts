import { type Command, InvalidArgumentError } from 'commander';
import type { Preprocessing } from '../../data/index.ts';
import { readWhole } from '../../formats/open-file.ts';
import { parseJson } from '../../formats/parse-json.ts';
import { checkOptions, type OptionNames } from '../../options.ts';
import { flagOf } from '../flag-of.ts';
import { UsageError } from '../usage-error.ts';
import { type Kind, kinds, oneOf } from './kinds.ts';

/** What `octavo train` is told, by flags or in a file of settings. */
export interface TrainSettings extends Preprocessing {
  /** A .pt2 or .onnx file. */
  readonly model: string;
  readonly data: string;
  readonly out: string;
  readonly val?: string;
  readonly qat: boolean;
  readonly weightBits: number;
  readonly learnScales: boolean;
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: 'sgd' | 'adamw';
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly schedule: 'cosine' | 'step' | 'one-cycle';
  readonly labelSmoothing: number;
  readonly distill: boolean;
  readonly freezeBnAfter?: number;
  readonly freezeObserversAfter?: number;
  readonly clipGradNorm?: number;
  readonly checkpoint?: string;
  readonly checkpointEvery?: number;
  readonly resume: boolean;
  readonly seed: number;
  readonly threads?: number;
}

/** One setting: its flag, what it means, and which values it has. */
interface Setting {
  readonly flag: string;
  readonly text: string;
  readonly kind: Kind;
}

const settings: Readonly<Record<Exclude<keyof TrainSettings, 'model' | keyof Preprocessing>, Setting>> = {
  data: {
    flag: '--data <path>',
    text: 'examples with their classes, which are learned from',
    kind: kinds.text,
  },
  out: {
    flag: '-o, --out <file>',
    text: 'where to write the trained model: .octavo or .onnx',
    kind: kinds.text,
  },
  val: {
    flag: '--val <path>',
    text: 'examples to measure top-1 accuracy with after each epoch',
    kind: kinds.text,
  },
  qat: {
    flag: '--qat',
    text: 'train for int8: with the rounding in it (quantization aware training)',
    kind: kinds.flag,
  },
  weightBits: {
    flag: '--weight-bits <n>',
    text: 'of --qat: 2 to 8; they are stored as int8 in any case (default: 8)',
    kind: kinds.bits,
  },
  learnScales: {
    flag: '--learn-scales',
    text: 'of --qat: scales are trained with the weights, which pays at 4 bits and below',
    kind: kinds.flag,
  },
  epochs: { flag: '--epochs <n>', text: 'how often all examples are seen (default: 5)', kind: kinds.count },
  batchSize: { flag: '--batch-size <n>', text: 'examples a step (default: 64)', kind: kinds.count },
  optimizer: { flag: '--optimizer <name>', text: 'sgd or adamw (default: sgd)', kind: oneOf('sgd', 'adamw') },
  lr: { flag: '--lr <rate>', text: 'the highest learning rate (default: 0.001)', kind: kinds.positive },
  momentum: { flag: '--momentum <m>', text: 'of sgd (default: 0.9)', kind: kinds.fraction },
  weightDecay: { flag: '--weight-decay <d>', text: '(default: 0.0001)', kind: kinds.notNegative },
  schedule: {
    flag: '--schedule <name>',
    text: 'cosine; step: a tenth after each third; or one-cycle (default: cosine)',
    kind: oneOf('cosine', 'step', 'one-cycle'),
  },
  labelSmoothing: { flag: '--label-smoothing <f>', text: '(default: 0)', kind: kinds.fraction },
  distill: {
    flag: '--distill',
    text: "learn from the float model's results, nine parts in ten, at temperature 2",
    kind: kinds.flag,
  },
  freezeBnAfter: {
    flag: '--freeze-bn-after <n>',
    text: 'epochs after which batch norms keep their statistics (default: never)',
    kind: kinds.whole,
  },
  freezeObserversAfter: {
    flag: '--freeze-observers-after <n>',
    text: 'epochs after which ranges are kept (default: never)',
    kind: kinds.whole,
  },
  clipGradNorm: {
    flag: '--clip-grad-norm <n>',
    text: 'the largest norm of all gradients',
    kind: kinds.positive,
  },
  checkpoint: {
    flag: '--checkpoint <file>',
    text: 'where to keep what a run needs to go on: after each epoch, and when it is interrupted',
    kind: kinds.text,
  },
  checkpointEvery: {
    flag: '--checkpoint-every <n>',
    text: 'and after every so many steps',
    kind: kinds.count,
  },
  resume: { flag: '--resume', text: 'go on from the checkpoint', kind: kinds.flag },
  seed: { flag: '--seed <n>', text: 'of orders and dropouts (default: 0)', kind: kinds.whole },
  threads: {
    flag: '--threads <n>',
    text: 'compute threads (default: one a physical core)',
    kind: kinds.count,
  },
};

const defaults = {
  qat: false,
  weightBits: 8,
  learnScales: false,
  epochs: 5,
  batchSize: 64,
  optimizer: 'sgd',
  lr: 1e-3,
  momentum: 0.9,
  weightDecay: 1e-4,
  schedule: 'cosine',
  labelSmoothing: 0,
  distill: false,
  resume: false,
  seed: 0,
} as const satisfies Partial<TrainSettings>;

/** Adds a flag for each setting but the preprocessing's. */
export function addSettings(command: Command): Command {
  for (const { flag, text, kind } of Object.values(settings)) {
    if (kind === kinds.flag) command.option(flag, text);
    else
      command.option(flag, text, (given: string) => {
        const value = kind.parse(given);
        if (!kind.accepts(value)) throw new InvalidArgumentError(`It must be ${kind.must}.`);
        return value;
      });
  }
  return command;
}

/**
 * The settings of a run: what flags say, else the file of settings, else the defaults.
 * @param path the model, or a JSON file of settings: `{"model": "resnet18.pt2", "data": "photos/", "qat": true, …}`. Paths in it are, as those
 * of flags, relative to where the command runs.
 * @throws Error that names a field which is unknown, missing, or has an impossible value; UsageError for flags that are missing or do not
 * go together.
 */
export async function settingsOf(path: string, flags: Partial<TrainSettings>): Promise<TrainSettings> {
  const file = path.endsWith('.json') ? await readSettings(path) : { model: path };
  const given = Object.fromEntries(
    [...Object.keys(settings), ...Object.keys(preprocessing)]
      .map((name) => [name, flags[name as keyof TrainSettings]] as const)
      .filter(([, value]) => value !== undefined),
  );
  const all: Partial<TrainSettings> = { ...defaults, ...file, ...given };
  for (const name of ['model', 'data', 'out'] as const)
    if (all[name] === undefined)
      throw name === 'model'
        ? new Error(`${path}: there is no field "model"`)
        : new UsageError(`there is no --${name}; ${settings[name].text}`);
  checkTogether(all as TrainSettings, { ...file, ...given });
  return all as TrainSettings;
}

/** @throws UsageError for a setting that means nothing without another, or with it. */
function checkTogether(all: TrainSettings, given: Partial<TrainSettings>): void {
  const needs = (name: string, other: string) => {
    throw new UsageError(`${name} needs ${other}`);
  };
  if (given.momentum !== undefined && all.optimizer !== 'sgd') needs('--momentum', '--optimizer sgd');
  for (const name of ['freezeBnAfter', 'freezeObserversAfter'] as const)
    if ((all[name] ?? 0) >= all.epochs)
      throw new UsageError(`${flagOf(name)} ${all[name]} never comes: --epochs is ${all.epochs}`);
  if (all.checkpoint === undefined) {
    if (all.resume) needs('--resume', '--checkpoint');
    if (all.checkpointEvery !== undefined) needs('--checkpoint-every', '--checkpoint');
  }
  if (!all.qat) {
    if (given.weightBits !== undefined) needs('--weight-bits', '--qat');
    if (all.learnScales) needs('--learn-scales', '--qat');
    if (all.freezeObserversAfter !== undefined) needs('--freeze-observers-after', '--qat');
  }
  if (all.learnScales && all.freezeObserversAfter !== undefined)
    throw new UsageError(
      '--freeze-observers-after is for ranges that are observed; --learn-scales learns them',
    );
}

/** What these must be is checked where the data are opened. */
const preprocessing: OptionNames<Preprocessing> = {
  scale: true,
  mean: true,
  std: true,
  resizeSize: true,
  cropSize: true,
  interpolation: true,
};

const known = Object.fromEntries(
  ['model', ...Object.keys(settings), ...Object.keys(preprocessing)].map((name) => [name, true]),
) as unknown as OptionNames<Partial<TrainSettings>>;

async function readSettings(path: string): Promise<Partial<TrainSettings>> {
  let file: unknown;
  const text = new TextDecoder().decode(await readWhole(path));
  try {
    file = parseJson(text);
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  checkOptions(file as Partial<TrainSettings>, known, path);
  for (const [name, value] of Object.entries(file as object)) {
    const kind = name === 'model' ? kinds.text : settings[name as keyof typeof settings]?.kind;
    if (kind && !kind.accepts(value))
      throw new Error(`${path}: "${name}" must be ${kind.must}, got ${JSON.stringify(value)}`);
  }
  return file as Partial<TrainSettings>;
}
