import type { ZipArchive } from '../../formats/zip.ts';
import { FLAT_PROGRAM, openFlat } from './archive-flat.ts';
import { openRaw, rawWeights } from './archive-raw.ts';
import { openRooted, rootedWeights } from './archive-rooted.ts';
import type { ModelArchive } from './model-archive.ts';

/** Layouts of a `.pt2` archive: of PyTorch up to 2.7, of 2.8, and of 2.9 and later. */
export type Generation = 'flat' | 'rooted' | 'raw';

/** A program in an archive, before it is read. */
export interface FoundModel {
  /** `model` unless the file was packed from several programs. */
  readonly name: string;
  readonly generation: Generation;
  open(): ModelArchive;
}

/** The only version of the archive's layout until today (`ARCHIVE_VERSION_VALUE`). */
const ARCHIVE_VERSION = '0';

/**
 * Finds the programs in an archive by its central directory. Members may come in any order, and the root folder may be
 * missing.
 * @throws Error that says what the archive is instead (TorchScript, torch.save, AOTInductor, ExecuTorch), or
 * which version of the layout it has.
 */
export function findModels(file: ZipArchive): readonly FoundModel[] {
  if (file.has(FLAT_PROGRAM)) return [{ name: 'model', generation: 'flat', open: () => openFlat(file) }];
  const { names, label } = file;
  const root = rootOf(names);
  const pattern = root === undefined ? undefined : new RegExp(`^${literally(root)}models/(.+)\\.json$`);
  const models = names.flatMap((name) => pattern?.exec(name)?.[1] ?? []);
  if (root === undefined || models.length === 0) throw new Error(`${label}: ${whatElse(names)}`);
  checkRoot(file, root);
  return models.map((name) => {
    // As PyTorch's loader decides.
    if (file.has(rootedWeights(root, name)))
      return { name, generation: 'rooted', open: () => openRooted(file, root, name) };
    if (file.has(rawWeights(root, name)))
      return { name, generation: 'raw', open: () => openRaw(file, root, name) };
    throw new Error(
      `${label}: the weights of the model '${name}' are missing: ` +
        `there is neither '${rawWeights(root, name)}' nor '${rootedWeights(root, name)}'`,
    );
  });
}

/**
 * Opens one of the programs.
 * @param name which one; may be left out where there is only one.
 * @throws Error that lists the models when there are several and none is named, or none of that name.
 */
export function openModel(
  models: readonly FoundModel[],
  name: string | undefined,
  label: string,
): ModelArchive {
  const list = models.map((model) => `'${model.name}'`).join(', ');
  if (name === undefined && models.length > 1)
    throw new Error(
      `${label}: there are several models, ${list}; say which one: loadPt2(path, { model: … }), octavo … --model NAME`,
    );
  const found = name === undefined ? models[0] : models.find((model) => model.name === name);
  if (!found) throw new Error(`${label}: there is no model '${name}', but ${list}`);
  return found.open();
}

/** A pattern that text matches as it is. */
const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The folder that everything is in, with its slash: nothing where there is none, undefined where it is another archive. */
function rootOf(names: readonly string[]): string | undefined {
  const marks = [/^([^/]*\/)?archive_format$/, /^([^/]*\/)?models\/.+\.json$/];
  for (const mark of marks)
    for (const name of names) {
      const match = mark.exec(name);
      if (match) return match[1] ?? '';
    }
  return undefined;
}

function checkRoot(file: ZipArchive, root: string): void {
  const format = readNote(file, `${root}archive_format`, 'pt2');
  if (format !== 'pt2') throw new Error(`${file.label}: its archive_format is '${format}', not 'pt2'`);
  const version = readNote(file, `${root}archive_version`, ARCHIVE_VERSION);
  if (version !== ARCHIVE_VERSION)
    throw new Error(
      `${file.label}: it has archive_version '${version}'; version ${ARCHIVE_VERSION} is supported`,
    );
  const order = readNote(file, `${root}byteorder`, 'little');
  if (order !== 'little') throw new Error(`${file.label}: byte order '${order}' is not supported`);
}

/** Longer than any of them. */
const LONGEST_NOTE = 100;

/** A member of a few characters. */
function readNote(file: ZipArchive, name: string, otherwise: string): string {
  if (!file.has(name)) return otherwise;
  if (file.content(name).length > LONGEST_NOTE)
    throw new Error(`${file.label}: '${name}' has ${file.content(name).length} bytes`);
  return new TextDecoder().decode(file.read(name)).trim();
}

/** What archives without a program are, by an entry that each has; the first that fits. */
const otherArchives: readonly (readonly [entry: RegExp, what: string])[] = [
  [
    /(^|\/)data\/aotinductor\//,
    'an AOTInductor package, which holds compiled code and no program; save the program itself with torch.export.save',
  ],
  [
    /(^|\/)data\/executorch\/|\.pte$/,
    'an ExecuTorch package; save the program before its conversion, with torch.export.save',
  ],
  [
    /(^|\/)(code\/|constants\.pkl$|bytecode\.pkl$)/,
    'a TorchScript archive (torch.jit.save); export the module with torch.export.export and save that with torch.export.save',
  ],
  [
    /(^|\/)data\.pkl$/,
    'a file of torch.save, which holds tensors and no program; export the module and save it with torch.export.save',
  ],
  [/\.npy$/, 'an archive of NumPy arrays, not of a program'],
];

function whatElse(names: readonly string[]): string {
  for (const [entry, what] of otherArchives)
    if (names.some((name) => entry.test(name))) return `this is ${what}`;
  return `there is neither ${FLAT_PROGRAM} nor a models/….json, so this is no file of torch.export.save`;
}
