/**
 * A search by meaning as a Node service has it: texts come in over HTTP, become tokens, an int8 encoder makes embeddings of
 * them off the event loop, and the nearest texts go out.
 *
 *     npx tsx examples/encoder-service/service.ts 8080
 *     curl -d '{"texts": ["the fox crosses the river"]}' localhost:8080/embed
 *     curl -d '{"text": "a fox at the river"}' localhost:8080/search
 *
 * The encoder is made here, with seeded weights and without training: it finds texts with the same words. A trained one
 * comes from `loadPt2` or `loadOnnx`, its `tokenizer.json` beside it, and the rest stays.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { type CompiledModel, compile, exportModel, type GraphModule, lower, quantizeDynamic } from 'octavo';
import { manualSeed } from 'octavo/nn';
import { corpus, vocabulary } from './corpus.ts';
import { SentenceEncoder } from './encoder.ts';
import { SearchIndex } from './search-index.ts';
import { tokenBatch, wordTokenizer } from './tokens.ts';

const sizes = { vocabulary: vocabulary.length + 3, positions: 64, width: 128, heads: 4, layers: 2 };
const tokenizer = wordTokenizer(vocabulary);

/** The encoder as a graph that takes any number of texts of any length. */
export function captureEncoder(): GraphModule {
  manualSeed(0);
  const length = { 1: { name: 'length', min: 2, max: sizes.positions } };
  return exportModel(
    new SentenceEncoder(sizes).eval(),
    { ...tokenBatch(tokenizer, corpus.slice(0, 2), sizes.positions) },
    { dynamicBatch: true, dynamicShapes: { ids: length, positions: length, mask: length } },
  );
}

/** Int8 by dynamic quantization, which needs no calibration. */
export const int8Encoder = (): Promise<CompiledModel> => quantizeDynamic(captureEncoder());

/** The same in float32, to compare with. */
export const floatEncoder = (): CompiledModel => compile(lower(captureEncoder()).module);

/** Embeddings of texts, one after the other. */
export async function embed(encoder: CompiledModel, texts: readonly string[]): Promise<Float32Array> {
  const [embeddings] = Object.values(await encoder.run({ ...tokenBatch(tokenizer, texts, sizes.positions) }));
  return embeddings.data as Float32Array;
}

/** All texts of the corpus, ready to be searched. */
export async function indexCorpus(encoder: CompiledModel): Promise<SearchIndex> {
  const index = new SearchIndex(sizes.width);
  for (let i = 0; i < corpus.length; i += 32) {
    const texts = corpus.slice(i, i + 32);
    index.add(texts, await embed(encoder, texts));
  }
  return index;
}

/** @throws Error that says what the request's body should be. */
async function textsOf(request: IncomingMessage): Promise<readonly string[]> {
  let body: { readonly text?: unknown; readonly texts?: unknown };
  try {
    body = JSON.parse(await text(request));
  } catch {
    throw new Error('the body must be JSON: {"text": "…"} or {"texts": ["…"]}');
  }
  const texts = body.texts ?? [body.text];
  if (!Array.isArray(texts) || !texts.every((each): each is string => typeof each === 'string'))
    throw new Error('"text" must be a string, or "texts" a list of strings');
  return texts;
}

/** Answers POST /embed and POST /search. */
export function encoderService(encoder: CompiledModel, index: SearchIndex): Server {
  return createServer(async (request, response) => {
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    try {
      if (request.method !== 'POST' || !['/embed', '/search'].includes(request.url ?? ''))
        return answer(404, { error: 'there are POST /embed and POST /search' });
      const texts = await textsOf(request);
      const embeddings = await embed(encoder, texts);
      const rows = texts.map((_, i) => embeddings.subarray(i * sizes.width, (i + 1) * sizes.width));
      return request.url === '/embed'
        ? answer(200, { embeddings: rows.map((row) => [...row]) })
        : answer(200, { results: rows.map((row) => index.search(row, 3)) });
    } catch (error) {
      return answer(400, { error: (error as Error).message });
    }
  });
}

if (import.meta.filename === process.argv[1]) {
  const port = Number(process.argv[2] ?? 8080);
  const encoder = await int8Encoder();
  encoderService(encoder, await indexCorpus(encoder)).listen(port, () =>
    console.log(`listening on port ${port}`),
  );
}
