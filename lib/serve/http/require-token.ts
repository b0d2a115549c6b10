import type { FastifyInstance } from 'fastify';
import type { BearerToken } from '../security/bearer-token.ts';
import { isProbe } from './probes.ts';

/** Answers clients that do not show the token with status 401, before their body is read. The server's health is told to anyone. */
export function requireToken(app: FastifyInstance, token: BearerToken): void {
  app.addHook('onRequest', async (request, reply) => {
    const { authorization } = request.headers;
    if (isProbe(request) || token.accepts(authorization)) return;
    const why = authorization === undefined ? '' : ', error="invalid_token"';
    return reply
      .status(401)
      .headers({ 'www-authenticate': `Bearer realm="octavo"${why}`, connection: 'close' })
      .send({ error: 'the header Authorization must be Bearer and the token of this server' });
  });
}
