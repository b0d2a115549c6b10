import { openFile } from '../../formats/open-file.ts';
import { ZipFile } from '../../formats/zip-file.ts';

/** What files that are no zip archives are, by their first bytes. */
const otherFiles: readonly (readonly [start: RegExp, what: string])[] = [
  [
    /^.{4}ET\d\d/s,
    'an ExecuTorch program (.pte); save the program before its conversion, with torch.export.save',
  ],
  [
    // A pickle of the number that `torch.save` began its files with.
    /^\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19\./,
    'a file of torch.save in its format before PyTorch 1.6, which holds tensors and no program; export the module and save ' +
      'it with torch.export.save',
  ],
];
const LONGEST_START = 15;

/**
 * Opens a `.pt2` archive.
 * @throws Error (rejects) as {@link ZipFile.open} does; of files of PyTorch's other formats it says which it is.
 */
export async function openArchive(source: string | Uint8Array, label: string): Promise<ZipFile> {
  try {
    return await ZipFile.open(source, label);
  } catch (error) {
    const start = Buffer.from(await startOf(source)).toString('latin1');
    const [, what] = otherFiles.find(([pattern]) => pattern.test(start)) ?? [];
    throw what === undefined ? error : new Error(`${label}: this is ${what}`, { cause: error });
  }
}

async function startOf(source: string | Uint8Array): Promise<Uint8Array> {
  if (typeof source !== 'string') return source.subarray(0, LONGEST_START);
  const file = await openFile(source);
  try {
    return (await file.read(Buffer.alloc(LONGEST_START), 0, LONGEST_START, 0)).buffer;
  } finally {
    await file.close();
  }
}
