/**
 * Says what is in a picture: a JPEG, PNG or WebP file over HTTP, and a page to try it with.
 *
 *     npx tsx examples/image-classifier/main.ts --port 8080
 *     curl --data-binary @picture.jpg -H 'content-type: image/jpeg' localhost:8080/classify
 *
 * It reads characters, with the project's own network, which is quantized when the example starts. One that `octavo quantize` made of
 * another network for pictures, such as torchvision's ResNet-50, comes with its classes, one a line:
 *
 *     npx tsx examples/image-classifier/main.ts --model resnet50.octavo --labels imagenet.txt
 */
import { mkdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ModelRepository } from 'octavo/server';
import { classifierApp } from './app.ts';
import { PictureClassifier } from './classifier.ts';
import { characters, glyphSamples, type Sample, saveGlyphs } from './glyphs.ts';

/** A model's file and what belongs to it. */
export interface Model {
  readonly file: string;
  readonly labels: readonly string[];
  readonly samples: readonly Sample[];
}

/** A service that listens. */
export interface ClassifierService extends AsyncDisposable {
  readonly url: string;
}

/** The project's own network for characters, written to a folder. */
export async function glyphModel(folder: string): Promise<Model> {
  await mkdir(folder, { recursive: true });
  return { file: await saveGlyphs(folder), labels: characters, samples: await glyphSamples() };
}

/** A model that `octavo quantize` wrote, and the text file of its classes, one a line. */
export async function ownModel(file: string, labelsFile: string): Promise<Model> {
  const labels = (await readFile(labelsFile, 'utf8')).trimEnd().split(/\r?\n/);
  return { file, labels, samples: [] };
}

/** @throws Error (rejects) when the model is not for pictures, its labels are not as many as its classes, or the port is taken. */
export async function serveClassifier(model: Model, host: string, port: number): Promise<ClassifierService> {
  // Pictures that come while the model computes are its next batch.
  const repository = await ModelRepository.open(model.file, { batching: { maxBatchSize: 8 } });
  try {
    const classifier = new PictureClassifier(repository, basename(model.file, '.octavo'), model.labels);
    const app = await classifierApp({ repository, classifier, samples: model.samples });
    const url = await app.listen({ host, port });
    return {
      url,
      async [Symbol.asyncDispose]() {
        await app.close();
        await repository[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await repository[Symbol.asyncDispose]();
    throw error;
  }
}

if (import.meta.filename === process.argv[1]) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8080' },
      host: { type: 'string', default: '127.0.0.1' },
      model: { type: 'string' },
      labels: { type: 'string' },
    },
  });
  if ((values.model === undefined) !== (values.labels === undefined))
    throw new Error('--model and --labels belong together: a model, and its classes, one a line');
  const model =
    values.model !== undefined && values.labels !== undefined
      ? await ownModel(values.model, values.labels)
      : await glyphModel(fileURLToPath(new URL('../../build/image-classifier', import.meta.url)));
  const service = await serveClassifier(model, values.host, Number(values.port));
  console.log(service.url);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void service[Symbol.asyncDispose]());
}
