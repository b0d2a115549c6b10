import pino, { type Logger } from 'pino';
import type { ServeOptions } from '../../serve/index.ts';

/** Lines that whoever reads stderr may be behind by; further ones are lost, rather than memory. */
const mostBytes = 16 * 2 ** 20;

/** A log on stderr, one JSON object a line. Writing waits for nobody: a reader that has stopped would stop the server. */
const destination = () => pino.destination({ dest: process.stderr.fd, sync: false, maxLength: mostBytes });

/** The log of a server. */
export const logTo = (level: string): ServeOptions['logger'] & object => ({ level, stream: destination() });

/** The log of a process that serves nothing itself. */
export const logOf = (level: string): Logger => pino({ level }, destination());
