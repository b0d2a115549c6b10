import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { QueueFullError, type TensorInfo } from '../runtime/index.ts';
import { datatypeOf } from './datatypes.ts';
import { badRequest, ProtocolError } from './errors.ts';
import { type InferRequest, readInferRequest } from './infer-request.ts';
import { wantedOutputs, writeInferResponse } from './infer-response.ts';
import type { ModelRepository } from './repository.ts';
import type { ServedModel } from './served-model.ts';

/** Options of {@link openInference}. */
export interface OpenInferenceOptions {
  readonly repository: ModelRepository;
  /** What the server calls itself in its metadata. Default `octavo`. */
  readonly serverName?: string;
  readonly serverVersion?: string;
  /** Whether to accept requests; `false` makes `v2/health/ready` say so. Default: always. */
  readonly isReady?: () => boolean;
}

/** Where a model, or one version of it, is addressed. */
interface ModelPath {
  readonly Params: { readonly model: string; readonly version?: string };
}

type ModelRequest = FastifyRequest<ModelPath>;

const jsonBytesHeader = 'inference-header-content-length';

/**
 * The Open Inference Protocol v2 over REST as a fastify plugin, with Triton's extensions `binary_tensor_data` and
 * `model_repository`: `v2`, `v2/health/*`, `v2/models/*`, `v2/repository/*`.
 *
 * @example
 * const repository = await ModelRepository.open('models');
 * const app = fastify({ bodyLimit: 64 * 2 ** 20 });
 * await app.register(openInference, { repository });
 * await app.listen({ port: 8000 });
 *
 * @see https://github.com/kserve/open-inference-protocol
 */
export const openInference: FastifyPluginAsync<OpenInferenceOptions> = async (app, options) => {
  const { repository, serverName = 'octavo', serverVersion = '', isReady = () => true } = options;
  readWholeBodies(app);
  answerErrors(app);

  app.get('/v2', async () => ({
    name: serverName,
    version: serverVersion,
    extensions: ['binary_tensor_data', 'model_repository'],
  }));
  app.get('/v2/health/live', async () => ({ live: true }));
  app.get('/v2/health/ready', async (_, reply) => {
    const ready = isReady();
    return reply.status(ready ? 200 : 503).send({ ready });
  });

  const served = ({ params: { model, version } }: ModelRequest) => repository.model(model, version);
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<ModelPath>(path, async (request) => metadataOf(served(request)));
    app.get<ModelPath>(`${path}/ready`, async (request) => ({ name: served(request).name, ready: true }));
    app.post<ModelPath>(`${path}/infer`, (request, reply) => infer(served(request), request, reply));
  }

  app.post('/v2/repository/index', async (request) => {
    const index = await repository.index();
    const { ready = false } = objectOf(request.body);
    return index.filter(({ state }) => ready !== true || state === 'READY');
  });
  app.post<ModelPath>('/v2/repository/models/:model/load', async ({ params }, reply) => {
    await repository.load(params.model);
    return reply.send({});
  });
  app.post<ModelPath>('/v2/repository/models/:model/unload', async ({ params }, reply) => {
    await repository.unload(params.model);
    return reply.send({});
  });
};

/** Bodies are read here: JSON may be followed by bytes, and clients name it as they like. */
function readWholeBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error instanceof ProtocolError ? error.status : (error.statusCode ?? 500);
    if (status >= 500) request.log.error(error);
    return reply.status(status).send({ error: error.message });
  });
}

const describe = (infos: readonly TensorInfo[]) =>
  infos.map(({ name, dtype, shape }) => ({
    name,
    datatype: datatypeOf(dtype).name,
    shape: shape.map((extent) => (typeof extent === 'number' ? extent : -1)),
  }));

const metadataOf = ({ name, version, model }: ServedModel) => ({
  name,
  versions: [version],
  platform: 'octavo',
  inputs: describe(model.inputs),
  outputs: describe(model.outputs),
});

async function infer(served: ServedModel, request: ModelRequest, reply: FastifyReply): Promise<FastifyReply> {
  const header = request.headers[jsonBytesHeader];
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const asked = readInferRequest(body, Array.isArray(header) ? header.join() : header);
  const signal = signalOf(reply);
  const results = await served.use((model) => run(model, asked, signal));
  const response = writeInferResponse(asked, served, results);
  if (response.jsonBytes === undefined) return reply.type('application/json').send(response.body);
  return reply
    .header(jsonBytesHeader, response.jsonBytes)
    .type('application/octet-stream')
    .send(response.body);
}

/** Aborted when the client hangs up: a request that still waits is taken back. */
function signalOf({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort(new ProtocolError(499, 'the client has gone'));
  });
  return controller.signal;
}

async function run(model: ServedModel['model'], asked: InferRequest, signal: AbortSignal) {
  wantedOutputs(
    asked,
    model.outputs.map(({ name }) => name),
  );
  try {
    const priority = asked.priority === undefined ? {} : { priority: asked.priority };
    return await model.run(asked.inputs, { signal, ...priority });
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    if (error instanceof QueueFullError) throw new ProtocolError(429, error.message, { cause: error });
    // Memory is the server's fault; that inputs do not fit the model, or hold an index out of range, the client's.
    if (error instanceof RangeError) throw new ProtocolError(500, error.message, { cause: error });
    throw badRequest((error as Error).message);
  }
}

function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  if (!Buffer.isBuffer(body) || body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {}
  throw badRequest('the request must be a JSON object');
}
