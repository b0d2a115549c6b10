import type { FastifyInstance } from 'fastify';

/**
 * Cuts the connections of clients that do not read their answer in time: until then it takes memory here.
 * @param timeout in milliseconds, from the answer's first byte on; 0: they may take forever.
 */
export function cutSlowReaders(app: FastifyInstance, timeout: number): void {
  if (timeout === 0) return;
  app.addHook('onSend', async (_request, { raw }) => {
    const cut = setTimeout(() => raw.destroy(), timeout).unref();
    raw.once('close', () => clearTimeout(cut));
  });
}
