import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { factsOf } from '../logging/request-facts.ts';
import { logRequest } from '../logging/request-line.ts';
import { isProbe } from './probes.ts';

/** A line in the log for each request, when its answer has been sent or its client has gone; nothing of what bodies and headers hold. */
export function logRequests(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => logAnswer(request, reply));
  });
}

function logAnswer(request: FastifyRequest, reply: FastifyReply): void {
  const { method, routeOptions, body } = request;
  const facts = factsOf(request);
  const status = reply.raw.writableFinished ? reply.statusCode : 499;
  // Without what stands behind a question mark, which may be a secret.
  const path = routeOptions.url ?? request.url.split('?')[0].slice(0, 255);
  const { model, version } = request.params as { readonly model?: string; readonly version?: string };
  const asked = { ...(model === undefined ? {} : { model }), ...(version === undefined ? {} : { version }) };
  logRequest(
    request.log,
    { method, path, status },
    { ...asked, ...facts },
    {
      status,
      isProbe: isProbe(request),
      bytesIn: facts.bytesIn ?? (Buffer.isBuffer(body) ? body.length : 0),
      bytesOut: Number(reply.getHeader('content-length') ?? 0),
      ms: reply.elapsedTime,
    },
  );
}
