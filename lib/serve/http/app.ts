import fastify, { type FastifyInstance, type FastifyReply, LogController } from 'fastify';
import { noRoute } from '../errors.ts';
import { requestId } from '../logging/request-id.ts';
import type { ServerSecrets } from '../security/server-secrets.ts';
import type { ServeOptions } from '../serve-options.ts';
import { replaceBareAnswers } from './bare-answers.ts';
import { answerClientError } from './client-errors.ts';
import { continueRequests } from './continue-requests.ts';
import { httpServer } from './http-server.ts';
import { limitsOf } from './limits.ts';
import { logRequests } from './log-requests.ts';
import { requireToken } from './require-token.ts';
import { cutSlowReaders } from './slow-readers.ts';

/** A fastify app with the limits and the token of a server, and errors in the protocol's form; with a log, if one is wanted. It has no routes yet. */
export function httpApp(options: ServeOptions, { tls, token }: ServerSecrets): FastifyInstance {
  const limits = limitsOf(options);
  const app = fastify({
    serverFactory: (listener) => httpServer(listener, limits, tls),
    logger: options.logger ?? false,
    // It has a line of its own for each request.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    bodyLimit: limits.bodyLimit,
    forceCloseConnections: 'idle',
    // The longest name that a file has.
    routerOptions: { maxParamLength: 255 },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply: FastifyReply) =>
      reply.status(error.statusCode ?? 400).send({ error: error.message }),
  });
  app.setNotFoundHandler(({ method, url }, reply) =>
    reply.status(404).send({ error: noRoute(method, url).message }),
  );
  app.addHook('onRequest', async ({ id }, reply) => {
    reply.header('x-request-id', id);
  });
  if (options.logger) logRequests(app);
  replaceBareAnswers(app);
  if (token) requireToken(app, token);
  continueRequests(app, limits.bodyLimit);
  cutSlowReaders(app, limits.responseTimeout);
  return app;
}
