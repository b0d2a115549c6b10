import { openFile } from '../../formats/open-file.ts';
import { ZipArchive } from '../../formats/zip.ts';

/** What files that are no zip archives are, by bytes near their beginning. */
const otherFiles: readonly { readonly at: number; readonly bytes: string; readonly what: string }[] = [
  {
    at: 4,
    bytes: 'ET1',
    what: 'an ExecuTorch program (.pte); save the program before its conversion, with torch.export.save',
  },
  {
    // In a pickle, the number that all files of torch.save began with.
    at: 4,
    bytes: 'l\xfc\x9cF\xf9 j\xa8P',
    what:
      'a file of torch.save in its format before PyTorch 1.6, which holds tensors and no program; ' +
      'export the module and save it with torch.export.save',
  },
];
const LONGEST_START = 15;

/**
 * Opens a `.pt2` archive.
 * @throws Error (rejects) as {@link ZipArchive.open} does; of files of PyTorch's other formats it says which it is.
 */
export async function openArchive(source: string | Uint8Array, label: string): Promise<ZipArchive> {
  try {
    return await ZipArchive.open(source, label);
  } catch (error) {
    const start = Buffer.from(await startOf(source)).toString('latin1');
    const other = otherFiles.find(({ at, bytes }) => start.startsWith(bytes, at));
    throw other ? new Error(`${label}: this is ${other.what}`, { cause: error }) : error;
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
