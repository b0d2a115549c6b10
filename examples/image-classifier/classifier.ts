import {
  type DatasetModel,
  type Pixels,
  type Preprocessing,
  preprocessImage,
  rememberedPreprocessing,
} from 'octavo/data';
import type { CompiledModel } from 'octavo/runtime';
import type { ModelRepository } from 'octavo/server';
import type { Classification } from './answers.ts';
import { decodePicture, PictureError } from './picture.ts';

/** Classes that are answered. */
const shown = 5;
/** Pictures in work: more would only wait longer, and fill the memory. */
const mostAtOnce = 64;

/** Says what is in pictures, by a model of a repository. */
export class PictureClassifier {
  readonly model: string;
  readonly labels: readonly string[];
  readonly #repository: ModelRepository;
  #inWork = 0;

  /**
   * @param model the name of a model of pictures [n, 3, size, size] whose only result are the scores of the classes, [n, classes].
   * @param labels the classes in the model's order.
   * @throws Error when the model is of another kind, or has another number of classes.
   */
  constructor(repository: ModelRepository, model: string, labels: readonly string[]) {
    this.model = model;
    this.labels = labels;
    this.#repository = repository;
    const { model: loaded } = repository.model(model);
    const preprocessing = preprocessingOf(loaded, model);
    inputsOf(loaded, preprocessing, blank(preprocessing.resizeSize));
    const [{ dtype, shape }, ...more] = loaded.outputs;
    if (more.length > 0 || dtype !== 'float32' || shape.length !== 2 || shape[1] !== labels.length)
      throw new Error(
        `${model}: with ${labels.length} labels the model must return float32 [n, ${labels.length}] alone; ` +
          `it returns ${loaded.outputs.map((each) => `${each.dtype} [${each.shape.join(', ')}]`).join(' and ')}`,
      );
  }

  /**
   * @param signal takes the request back, as long as the model has not begun.
   * @throws PictureError (rejects) for what is no picture, and when too many are in work; Error as `model.run` does.
   */
  async classify(bytes: Buffer, signal: AbortSignal): Promise<Classification> {
    if (this.#inWork >= mostAtOnce) throw new PictureError(503, 'too many pictures are in work; try again');
    this.#inWork++;
    try {
      // Asked for each time: the repository may have a newer version by now.
      return await this.#repository.model(this.model).use((model) => this.#run(model, bytes, signal));
    } finally {
      this.#inWork--;
    }
  }

  async #run(model: CompiledModel, bytes: Buffer, signal: AbortSignal): Promise<Classification> {
    const begin = performance.now();
    const preprocessing = preprocessingOf(model, this.model);
    const pixels = await decodePicture(bytes, preprocessing.resizeSize);
    const inputs = inputsOf(model, preprocessing, pixels);
    const decoded = performance.now();
    const [scores] = Object.values(await model.run(inputs, { signal }));
    const end = performance.now();
    return {
      classes: likeliest(scores.data as Float32Array, this.labels),
      milliseconds: { decode: decoded - begin, model: end - decoded },
    };
  }
}

type Framed = Preprocessing & { readonly resizeSize: number };

const inputsOf = (model: DatasetModel, preprocessing: Preprocessing, pixels: Pixels) =>
  preprocessImage(pixels, { model, preprocessing });

/** What was done to pictures when the model was quantized; where that leaves it open, a square of the model's size is cut out. */
function preprocessingOf({ inputs: [{ shape }], metadata }: CompiledModel, name: string): Framed {
  const remembered = rememberedPreprocessing(metadata, name);
  if (!remembered)
    throw new Error(
      `${name}: the file does not say what is done to pixels; octavo quantize writes it, from --mean, --std and --resize-size`,
    );
  const [, , size] = shape;
  if (typeof size !== 'number') throw new Error(`${name}: pictures must have one size, [n, 3, size, size]`);
  return { resizeSize: size, cropSize: size, ...remembered };
}

const blank = (size: number): Pixels => ({ width: size, height: size, data: new Uint8Array(3 * size ** 2) });

/** The classes with the largest scores, and their probabilities by softmax. */
function likeliest(scores: Float32Array, labels: readonly string[]): Classification['classes'] {
  const largest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return labels
    .map((label, i) => ({ label, probability: powers[i] / sum }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, shown);
}
