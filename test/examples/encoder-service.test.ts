import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { corpus } from '../../examples/encoder-service/corpus.ts';
import type { SearchIndex } from '../../examples/encoder-service/search-index.ts';
import {
  embed,
  encoderService,
  floatEncoder,
  indexCorpus,
  int8Encoder,
} from '../../examples/encoder-service/service.ts';
import type { CompiledModel } from '../../lib/index.ts';

/** The words of a text in a question's form: without its articles, and the time first. */
function question(text: string): string {
  const [, animal, act, , thing, ...time] = text.split(' ');
  return `${time.join(' ')} which ${animal} ${act} a ${thing}`;
}

let encoder: CompiledModel;
let index: SearchIndex;

beforeAll(async () => {
  encoder = await int8Encoder();
  index = await indexCorpus(encoder);
});
afterAll(() => encoder.dispose());

it('int8 finds what float32 finds first for at least 95 % of the questions', async () => {
  using float = floatEncoder();
  const inFloat = await indexCorpus(float);
  const questions = corpus.filter((_, i) => i % 2 === 0).map(question);
  let equal = 0;
  for (const asked of questions) {
    const [found] = index.search(await embed(encoder, [asked]), 1);
    const [expected] = inFloat.search(await embed(float, [asked]), 1);
    if (found.text === expected.text) equal++;
  }
  expect(questions.length).toBeGreaterThan(100);
  expect(equal / questions.length).toBeGreaterThanOrEqual(0.95);
});

it('finds the text that a question was made of', async () => {
  const asked = corpus.filter((_, i) => i % 9 === 0);
  const embeddings = await embed(encoder, asked.map(question));
  const width = embeddings.length / asked.length;
  const found = asked.map((_, i) => index.search(embeddings.subarray(i * width, (i + 1) * width), 3));
  const right = asked.filter((text, i) => found[i].some((hit) => hit.text === text));
  expect(right.length / asked.length).toBeGreaterThan(0.9);
});

it('a text in a batch of longer ones has the embedding that it has alone', async () => {
  // Dynamic quantization takes its scales from the whole batch: float32 shows that padding is masked.
  using float = floatEncoder();
  const [short, long] = ['a fox', corpus[5]];
  const together = await embed(float, [short, long]);
  const alone = await embed(float, [short]);
  // Sums in another order.
  for (const [i, value] of alone.entries()) expect(Math.abs(value - together[i])).toBeLessThan(1e-5);
});

describe('over HTTP', () => {
  const server = () => encoderService(encoder, index).listen(0);
  async function post(path: string, body: string) {
    const listening = server();
    await once(listening, 'listening');
    const { port } = listening.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body });
    listening.close();
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  it('embeds and searches', async () => {
    const { body } = await post('/embed', JSON.stringify({ texts: [corpus[0], corpus[1]] }));
    expect((body.embeddings as number[][]).map((row) => row.length)).toEqual([128, 128]);
    const found = await post('/search', JSON.stringify({ text: corpus[3] }));
    expect((found.body.results as { text: string }[][])[0][0].text).toBe(corpus[3]);
  });

  it.each([
    ['/embed', 'not JSON', 400, /must be JSON/],
    ['/embed', '{"texts": [1]}', 400, /list of strings/],
    ['/embed', '{"texts": []}', 400, /no text/],
    ['/search', JSON.stringify({ text: 'fox '.repeat(80) }), 400, /82 tokens; the encoder takes up to 64/],
    ['/elsewhere', '{}', 404, /POST \/embed/],
  ])('%s with %s says what is wrong', async (path, body, status, message) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatch(message);
  });
});
