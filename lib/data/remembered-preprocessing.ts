import type { ModelMetadata } from '../runtime/index.ts';
import { type ChosenPreprocessing, checkPreprocessing, type Preprocessing } from './preprocessing.ts';

/** Beside whatever a user keeps with a model. */
const metadataKey = 'octavo.preprocessing';

/**
 * A preprocessing as metadata of a model, which `octavo quantize` and `octavo train` write and {@link rememberedPreprocessing} reads.
 *
 * @example
 * const photos = await readDataset('photos/', { model, preprocessing });
 * const metadata = photos.preprocessing && preprocessingMetadata(photos.preprocessing);
 * const quantized = await quantizeStatic(model, photos.inputs(), { ...(metadata ? { metadata } : {}) });
 */
export function preprocessingMetadata(preprocessing: ChosenPreprocessing): ModelMetadata {
  return { [metadataKey]: JSON.stringify(preprocessing) };
}

/**
 * The preprocessing that a model's file remembers, if any.
 *
 * @example
 * const model = await loadModel('resnet50.octavo');
 * const preprocessing = rememberedPreprocessing(model.metadata, 'resnet50.octavo');
 *
 * @param path of the file, for messages.
 * @throws Error when what the file remembers is not a preprocessing.
 */
export function rememberedPreprocessing(metadata: ModelMetadata, path: string): Preprocessing | undefined {
  const text = metadata[metadataKey];
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Preprocessing;
    checkPreprocessing(value, metadataKey);
    return value;
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `${path}: its metadata '${metadataKey}' is not a preprocessing: ${message}; it is ${text}`,
      {
        cause: error,
      },
    );
  }
}
