import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { CompiledModel, TensorInfo } from '../runtime/index.ts';
import { datatypeOf } from './datatypes.ts';
import { ProtocolError } from './errors.ts';
import { type InferRequest, readInferRequest } from './infer-request.ts';
import { wantedOutputs, writeInferResponse } from './infer-response.ts';
import { booleanIn, parseObject } from './json-fields.ts';
import type { ModelRepository } from './repository.ts';
import { failureOf } from './run-failure.ts';
import type { ServedModel } from './served-model.ts';

/** Options of {@link openInference}. */
export interface OpenInferenceOptions {
  readonly repository: ModelRepository;
  /** What the server calls itself in its metadata. Default `octavo`. */
  readonly serverName?: string;
  readonly serverVersion?: string;
  /** Whether to accept requests; `false` makes `v2/health/ready` say so. Default: always. */
  readonly isReady?: () => boolean;
  /**
   * Whether clients may load and unload models: `explicit`, or `none`, the default, where they get status 403. Whoever reaches the port
   * may do it then, so let only those reach it who should (counterpart: Triton's `--model-control-mode`).
   */
  readonly modelControl?: ModelControl;
}

/** Whether clients may load and unload models: {@link OpenInferenceOptions.modelControl}. */
export type ModelControl = 'none' | 'explicit';

/** Where a model, or one version of it, is addressed. */
interface ModelPath {
  readonly Params: { readonly model: string; readonly version?: string };
}

type ModelRequest = FastifyRequest<ModelPath>;

const jsonBytesHeader = 'inference-header-content-length';

/**
 * The Open Inference Protocol v2 over REST as a fastify plugin, with Triton's extensions `binary_tensor_data` and
 * `model_repository`: `v2`, `v2/health/*`, `v2/models/*`, `v2/repository/*`. Every path below `v2` is the plugin's, and errors are
 * answered as `{"error": "…"}`. Names of models may have 255 characters; fastify refuses more than 100 unless its `maxParamLength` says so.
 *
 * @example
 * await using repository = await ModelRepository.open('models');
 * const app = fastify({ bodyLimit: 64 * 2 ** 20, routerOptions: { maxParamLength: 255 } });
 * await app.register(openInference, { repository });
 * await app.listen({ port: 8000 });
 *
 * @throws Error (rejects `register`) when an option has a value that there is not, or the app has a route of these paths already.
 * @see https://github.com/kserve/open-inference-protocol
 */
export const openInference: FastifyPluginAsync<OpenInferenceOptions> = async (app, options) => {
  const { repository, serverName = 'octavo', serverVersion = '', isReady = () => true } = options;
  const { modelControl = 'none' } = options;
  if (modelControl !== 'none' && modelControl !== 'explicit')
    throw new Error(
      `openInference: modelControl must be 'none' or 'explicit', got '${String(modelControl)}'`,
    );
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
    const body = bodyOf(request);
    const onlyReady = body.length > 0 && booleanIn(parseObject(body), 'ready', 'the request');
    const index = await repository.index();
    return index.filter(({ state }) => !onlyReady || state === 'READY');
  });
  for (const change of ['load', 'unload'] as const)
    app.post<ModelPath>(`/v2/repository/models/:model/${change}`, async ({ params }) => {
      if (modelControl === 'none')
        throw new ProtocolError(
          403,
          `${change}: this server lets no client load or unload models (model control: none)`,
        );
      await repository[change](params.model);
      return {};
    });
  // Fastify's own answer has another form.
  app.all('/v2/*', ({ method, url }) => {
    throw new ProtocolError(404, `there is no ${method} ${url}`);
  });
};

/** Bodies are read here: JSON may be followed by bytes, and clients name it as they like. */
function readWholeBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async ({ headers: { 'content-encoding': encoding = 'identity' } }) => {
    if (encoding.toLowerCase() !== 'identity')
      throw new ProtocolError(
        415,
        `bodies with Content-Encoding ${encoding} are not read; send them as they are`,
      );
  });
}

const bodyOf = ({ body }: { readonly body: unknown }): Buffer =>
  Buffer.isBuffer(body) ? body : Buffer.alloc(0);

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
  const asked = readInferRequest(bodyOf(request), Array.isArray(header) ? header.join() : header);
  const names = served.model.outputs.map(({ name }) => name);
  const wanted = wantedOutputs(asked, names);
  const signal = signalOf(reply);
  const results = await served.use((model) => run(model, asked, signal));
  const response = writeInferResponse(asked.id, wanted, served, results);
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

async function run(model: CompiledModel, { inputs, priority }: InferRequest, signal: AbortSignal) {
  try {
    return await model.run(inputs, { signal, ...(priority === undefined ? {} : { priority }) });
  } catch (error) {
    throw failureOf(error as Error);
  }
}
