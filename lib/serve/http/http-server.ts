import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TlsSecrets } from '../security/tls-files.ts';
import type { HttpLimits } from './limits.ts';

/** Node's server with its limits, over TLS if there are secrets for it. */
export function httpServer(
  listener: RequestListener,
  limits: Required<HttpLimits>,
  secrets: TlsSecrets | undefined,
): Server {
  const { maxHeaderSize, headersTimeout, requestTimeout, keepAliveTimeout, maxConnections } = limits;
  const options = {
    maxHeaderSize,
    headersTimeout,
    requestTimeout,
    keepAliveTimeout,
    // It is asked for with a word: bare-answers.ts.
    requireHostHeader: false,
    // Node looks for who is late every 30 seconds.
    connectionsCheckingInterval: 1000,
  };
  const server = secrets
    ? createTlsServer({ ...options, ...secrets, requestCert: secrets.ca !== undefined }, listener)
    : createServer(options, listener);
  if (maxConnections > 0) server.maxConnections = maxConnections;
  return server;
}
