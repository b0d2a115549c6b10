import type { FastifyInstance } from 'fastify';

/** Tells clients that ask first (`Expect: 100-continue`) to go on with the body when the head has been found right: neither a token is missing nor the body too large. */
export function continueRequests(app: FastifyInstance, bodyLimit: number): void {
  app.server.on('checkContinue', (request, response) => app.server.emit('request', request, response));
  app.addHook('preParsing', async ({ headers: { expect, 'content-length': length } }, { raw }) => {
    if (expect !== undefined && !(Number(length) > bodyLimit)) raw.writeContinue();
  });
}
