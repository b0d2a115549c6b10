import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** Answers in the protocol's form what Node would refuse with a status alone. */
export function replaceBareAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw }, reply) => {
    if (raw.httpVersion !== '1.1' || raw.headers.host !== undefined) return;
    return reply
      .status(400)
      .header('connection', 'close')
      .send({ error: 'a request of HTTP/1.1 must have the header Host' });
  });
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const body = JSON.stringify({ error: 'the header Expect can be 100-continue alone' });
    const headers = {
      'content-type': 'application/json',
      'content-length': body.length,
      connection: 'close',
    };
    response.writeHead(417, headers).end(body);
  });
}
