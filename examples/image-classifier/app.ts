import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { QueueFullError } from 'octavo/runtime';
import { type ModelRepository, openInference } from 'octavo/server';
import type { About, Failure } from './answers.ts';
import type { PictureClassifier } from './classifier.ts';
import type { Sample } from './glyphs.ts';
import { pageFiles } from './page.ts';
import { mediaTypes, PictureError } from './picture.ts';

const mostBytes = 10 * 2 ** 20;

/** What the app serves. */
export interface AppOptions {
  readonly repository: ModelRepository;
  readonly classifier: PictureClassifier;
  readonly samples: readonly Sample[];
}

/** The page, `POST /classify`, and below `/v2` the Open Inference Protocol for programs that have tensors. */
export async function classifierApp({
  repository,
  classifier,
  samples,
}: AppOptions): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: mostBytes,
    // Who sends slower than this keeps a buffer for nothing.
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    logger: { level: 'warn' },
  });
  await app.register(openInference, { repository });
  await app.register(async (scope) => classifyRoute(scope, classifier));

  app.get('/about', async (): Promise<About> => {
    const listed = samples.map(({ description }, i) => ({ url: `samples/${i}.png`, description }));
    return { model: classifier.model, labels: classifier.labels, mostBytes, samples: listed };
  });
  for (const [i, { png }] of samples.entries())
    app.get(`/samples/${i}.png`, (_, reply) => reply.type('image/png').send(png));
  for (const { path, type, body, headers } of await pageFiles())
    app.get(path, (_, reply) => reply.headers(headers).type(type).send(body));
  return app;
}

function classifyRoute(app: FastifyInstance, classifier: PictureClassifier): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...mediaTypes], { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  app.addContentTypeParser('*', (request, _, done) => {
    const { 'content-type': type = 'unknown type' } = request.headers;
    done(new PictureError(415, `a body of ${type} is not read; send ${mediaTypes.join(', ')}`));
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error instanceof QueueFullError ? 503 : (error.statusCode ?? 500);
    if (status === 503) reply.header('retry-after', '1');
    else if (status >= 500) request.log.error(error);
    return reply.status(status).send({ error: error.message } satisfies Failure);
  });
  app.post('/classify', (request, reply) => {
    if (!Buffer.isBuffer(request.body))
      throw new PictureError(400, `the body must be a picture: ${mediaTypes.join(', ')}`);
    return classifier.classify(request.body, signalOf(reply));
  });
}

/** Aborted when the client hangs up. */
function signalOf({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort(new PictureError(499, 'the client has gone'));
  });
  return controller.signal;
}
