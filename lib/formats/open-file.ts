import { type FileHandle, open } from 'node:fs/promises';

/**
 * Opens a file for reading. The caller closes it.
 * @throws Error that names the path when it cannot be opened or is not a file.
 */
export async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, 'r').catch((error: Error) => {
    throw new Error(`${path} could not be opened: ${error.message}`, { cause: error });
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error(`${path} is not a file`);
}

/**
 * All bytes of a file.
 * @throws Error as {@link openFile} does.
 */
export async function readWhole(path: string): Promise<Uint8Array> {
  const file = await openFile(path);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** `count` bytes of a file from `position`, or as many as the file has there. */
export async function readAt(file: FileHandle, position: number, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  let filled = 0;
  while (filled < count) {
    const { bytesRead } = await file.read(bytes, filled, count - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
