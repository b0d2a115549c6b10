import { openFile } from '../formats/open-file.ts';
import type { GraphModule } from '../graph/index.ts';
import { type LoadOnnxOptions, loadOnnx } from './onnx/reader/load.ts';
import { type LoadPt2Options, loadPt2 } from './pt2/load.ts';

/** The kinds of file that hold a model to be captured. */
export type GraphFileKind = 'pt2' | 'onnx';

/**
 * Tells by its first bytes whether a file holds a graph that can be captured: a zip archive (`.pt2`), or ONNX, whose first
 * field is the version of its format.
 * @returns undefined for any other file.
 * @throws Error that names the path when it cannot be opened.
 */
export async function graphFileKind(path: string): Promise<GraphFileKind | undefined> {
  const file = await openFile(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(9), 0, 9, 0);
    if (buffer.toString('latin1', 0, 4) === 'PK\x03\x04') return 'pt2';
    // Safetensors could begin so as well: with the length of a header, whose JSON comes next.
    const isSafetensors = buffer.toString('latin1', 8, 9) === '{';
    return path.endsWith('.onnx') || (buffer[0] === 0x08 && !isSafetensors) ? 'onnx' : undefined;
  } finally {
    await file.close();
  }
}

/** Options of either reader; each refuses those of the other. */
export type LoadGraphOptions = LoadOnnxOptions & LoadPt2Options;

/**
 * Reads a `.pt2` or a `.onnx` file, as {@link loadPt2} and {@link loadOnnx} do.
 * @throws Error as these functions do, and for an option of the other kind of file.
 */
export async function loadGraph(path: string, options: LoadGraphOptions = {}): Promise<GraphModule> {
  const { model, ...ofInputs } = options;
  if ((await graphFileKind(path)) === 'onnx') {
    if (model === undefined) return loadOnnx(path, ofInputs);
    throw new Error(
      `${path}: the option 'model' is for .pt2 files, which may hold several; there is one here`,
    );
  }
  const [option] = Object.keys(ofInputs);
  if (option !== undefined)
    throw new Error(`${path}: the option '${option}' is for .onnx files, whose inputs it decides about`);
  return loadPt2(path, model === undefined ? {} : { model });
}
