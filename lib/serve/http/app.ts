import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { noRoute } from '../errors.ts';
import { BearerToken } from '../security/bearer-token.ts';
import type { TlsSecrets } from '../security/tls-files.ts';
import type { ServeOptions } from '../serve-options.ts';
import { replaceBareAnswers } from './bare-answers.ts';
import { answerClientError } from './client-errors.ts';
import { httpServer } from './http-server.ts';
import { defaultLimits } from './limits.ts';
import { requireToken } from './require-token.ts';
import { cutSlowReaders } from './slow-readers.ts';

/** A fastify app with the limits and the token of a server, and errors in the protocol's form. It has no routes yet. */
export function httpApp(options: ServeOptions, secrets: TlsSecrets | undefined): FastifyInstance {
  const limits = { ...defaultLimits, ...options };
  const app = fastify({
    serverFactory: (listener) => httpServer(listener, limits, secrets),
    bodyLimit: limits.bodyLimit,
    forceCloseConnections: 'idle',
    // The longest name that a file has.
    routerOptions: { maxParamLength: 255 },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply: FastifyReply) =>
      reply.status(error.statusCode ?? 400).send({ error: error.message }),
  });
  replaceBareAnswers(app);
  app.setNotFoundHandler(({ method, url }, reply) =>
    reply.status(404).send({ error: noRoute(method, url).message }),
  );
  if (options.token !== undefined) requireToken(app, new BearerToken(options.token));
  cutSlowReaders(app, limits.responseTimeout);
  return app;
}
