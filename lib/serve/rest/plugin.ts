import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { noRoute, ProtocolError, quote } from '../errors.ts';
import type { CallOrigin } from '../inference/call.ts';
import { type InferenceOptions, InferenceService } from '../inference/service.ts';
import { factsOf } from '../logging/request-facts.ts';
import { BodyMemory } from './body-memory.ts';
import { readInferRequest } from './infer-request.ts';
import { writeInferResponse } from './infer-response.ts';
import { booleanIn, type Fields, parametersOf, parseObject } from './json-fields.ts';
import { readBody } from './read-body.ts';

/** Options of {@link openInference}. */
export type OpenInferenceOptions = InferenceOptions;

/** Where a model, or one version of it, is addressed. */
interface ModelPath {
  readonly Params: { readonly model: string; readonly version?: string };
}

type ModelRequest = FastifyRequest<ModelPath>;

/** Those of Triton's that REST has here. */
const extensions = ['binary_tensor_data', 'model_repository', 'statistics'];

const jsonBytesHeader = 'inference-header-content-length';

/**
 * The Open Inference Protocol v2 over REST as a fastify plugin, with Triton's extensions `binary_tensor_data`,
 * `model_repository` and `statistics`: `v2`, `v2/health/*`, `v2/models/*`, `v2/repository/*`. Every path below `v2` is the plugin's, and errors are
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
  const service = new InferenceService(options);
  const memory = new BodyMemory();
  readWholeBodies(app, memory);
  answerErrors(app);

  app.get('/v2', async () => service.serverMetadata(extensions));
  app.get('/v2/health/live', async () => ({ live: true }));
  app.get('/v2/health/ready', async (_, reply) => {
    const ready = service.isReady();
    return reply.status(ready ? 200 : 503).send({ ready });
  });

  // As with Triton, a model of this name is described below `versions` only.
  app.get('/v2/models/stats', async () => service.statistics());
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<ModelPath>(path, async ({ params: { model, version } }) => service.modelMetadata(model, version));
    app.get<ModelPath>(`${path}/ready`, async ({ params: { model, version } }) => ({
      name: service.modelReady(model, version),
      ready: true,
    }));
    app.get<ModelPath>(`${path}/stats`, async ({ params: { model, version } }) =>
      service.statistics(model, version),
    );
    app.post<ModelPath>(`${path}/infer`, async (request, reply) => {
      const body = bodyOf(request);
      factsOf(request).bytesIn = body.length;
      try {
        return await infer(service, request, reply);
      } finally {
        memory.giveBack(body);
        // Whoever asks for it later must not see another's.
        request.body = undefined;
      }
    });
  }

  app.post('/v2/repository/index', async (request) => {
    const onlyReady = booleanIn(fieldsOf(request), 'ready', 'the request');
    return service.repositoryIndex(onlyReady ?? false);
  });
  for (const change of ['load', 'unload'] as const)
    app.post<ModelPath>(`/v2/repository/models/:model/${change}`, async (request) => {
      const parameters = parametersOf(fieldsOf(request), 'the request');
      await service.changeModel(change, request.params.model, parameters);
      return {};
    });
  // Fastify's own answer has another form.
  app.all('/v2/*', ({ method, url }) => {
    throw noRoute(method, url);
  });
};

/** Bodies are read here: JSON may be followed by bytes, and clients name it as they like. */
function readWholeBodies(app: FastifyInstance, memory: BodyMemory): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest, payload: NodeJS.ReadableStream) =>
    readBody(request, payload, Number(request.headers[jsonBytesHeader]), memory),
  );
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

/** Where a request need not have a body. */
function fieldsOf(request: FastifyRequest): Fields {
  const body = bodyOf(request);
  return body.length === 0 ? {} : parseObject(body);
}

function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { code?: string; statusCode?: number }, request, reply) => {
    const status = error instanceof ProtocolError ? error.status : (error.statusCode ?? 500);
    if (status >= 500) request.log.error(error);
    return reply.status(status).send({ error: messageOf(error, request) });
  });
}

/** Fastify does not say what it found wrong with the name of the body's type. */
function messageOf({ code, message }: Error & { code?: string }, { headers }: FastifyRequest): string {
  if (code !== 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return message;
  return `the header Content-Type must be a type as application/json is, got ${quote(headers['content-type'])}`;
}

async function infer(
  service: InferenceService,
  request: ModelRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const header = request.headers[jsonBytesHeader];
  const facts = factsOf(request);
  const written = await service.infer({
    model: request.params.model,
    version: request.params.version,
    origin: originOf(request),
    signal: signalOf(reply),
    read: () => {
      const asked = readInferRequest(bodyOf(request), Array.isArray(header) ? header.join() : header);
      facts.id = asked.id;
      return asked;
    },
    write: (asked, response) => {
      facts.version = response.modelVersion;
      return writeInferResponse(asked, response);
    },
  });
  if (written.jsonBytes === undefined) return reply.type('application/json').send(written.body);
  return reply.header(jsonBytesHeader, written.jsonBytes).type('application/octet-stream').send(written.body);
}

/** By OpenTelemetry's conventions for HTTP servers. */
const originOf = ({ method, url, protocol, headers, routeOptions }: ModelRequest): CallOrigin => ({
  protocol: 'rest',
  name: `${method} ${routeOptions.url}`,
  attributes: () => ({
    'http.request.method': method,
    'http.route': routeOptions.url ?? '',
    'url.path': url.split('?')[0],
    'url.scheme': protocol,
  }),
  statusAttributes: (status) => ({ 'http.response.status_code': status }),
  header: (name) => headers[name]?.toString(),
});

/** Aborted when the client hangs up: a request that still waits is taken back. */
function signalOf({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const onClose = () => {
    if (!raw.writableFinished) controller.abort(new ProtocolError(499, 'the client has gone'));
  };
  // Already, where another's hook has waited for something.
  if (raw.closed) onClose();
  else raw.once('close', onClose);
  return controller.signal;
}
