import { openFile, readAt } from '../formats/open-file.ts';

/** Formats of data in one file. */
export type FileFormat = 'npy' | 'npz' | 'safetensors' | 'json-lines';

/**
 * Tells by its first bytes what a file of data is.
 * @throws Error that names the file and the formats that are read.
 */
export async function fileFormat(path: string): Promise<FileFormat> {
  const file = await openFile(path);
  try {
    const start = Buffer.from(await readAt(file, 0, 64)).toString('latin1');
    if (start.startsWith('\x93NUMPY')) return 'npy';
    // An archive without entries begins with the end of its directory.
    if (start.startsWith('PK\x03\x04') || start.startsWith('PK\x05\x06')) return 'npz';
    // The length of the header, 64 bits of which the upper ones are 0, and the header's JSON.
    if (start.slice(4, 9) === '\0\0\0\0{') return 'safetensors';
    if (/^\s*\{/.test(start)) return 'json-lines';
    throw new Error(
      `${path} is not data that can be read: neither .npy, .npz, .safetensors, JSON lines, nor a folder of images`,
    );
  } finally {
    await file.close();
  }
}
