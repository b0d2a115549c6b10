import { buffer } from 'node:stream/consumers';
import type { Tensor } from '../tensor/tensor.ts';
import { readNpy, writeNpy } from './npy.ts';
import { ZipArchive } from './zip.ts';

/** A fixed date, so that the file depends on the tensors only. */
const FIXED_TIME = new Date('1980-01-01T00:00:00');

/**
 * Reads the arrays of a `.npz` file by name (counterpart: `numpy.load`).
 * @param source a path, or the file's bytes.
 * @throws Error that names the file and the array: missing, not a zip archive, damaged, or rejected by {@link readNpy}.
 */
export async function loadNpz(source: string | Uint8Array): Promise<Map<string, Tensor>> {
  const label = typeof source === 'string' ? source : 'the .npz file';
  const archive = await ZipArchive.open(source, label);
  try {
    const arrays = new Map<string, Tensor>();
    for (const name of archive.names) {
      if (!name.endsWith('.npy')) throw new Error(`${label}: entry '${name}' is not an array`);
      const key = name.slice(0, -'.npy'.length);
      arrays.set(key, readNpy(archive.read(name), `${label}: ${key}`));
    }
    return arrays;
  } finally {
    archive.close();
  }
}

/** Tensors as the bytes of an uncompressed `.npz` file (counterpart: `numpy.savez`). */
export async function writeNpz(tensors: Readonly<Record<string, Tensor>>): Promise<Uint8Array> {
  // Imported on first use, as in `zip.ts`.
  const { ZipFile } = await import('yazl');
  const zip = new ZipFile();
  for (const [name, tensor] of Object.entries(tensors))
    zip.addBuffer(Buffer.from(writeNpy(tensor)), `${name}.npy`, { compress: false, mtime: FIXED_TIME });
  zip.end();
  return new Uint8Array(await buffer(zip.outputStream));
}
