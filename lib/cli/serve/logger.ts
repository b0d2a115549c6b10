import pino from 'pino';
import type { ServeOptions } from '../../serve/index.ts';

/** Lines that whoever reads stderr may be behind by; further ones are lost, rather than memory. */
const mostBytes = 16 * 2 ** 20;

/** A log on stderr, one JSON object a line. Writing waits for nobody: a reader that has stopped would stop the server. */
export const logTo = (level: string): ServeOptions['logger'] & object => ({
  level,
  stream: pino.destination({ dest: process.stderr.fd, sync: false, maxLength: mostBytes }),
});
