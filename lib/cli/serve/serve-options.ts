import type { LoadOptions, ServeOptions } from '../../serve/index.ts';
import { tokenVariable } from './environment.ts';
import { type ModelSettings, type ServeSettings, servedModels } from './settings.ts';

/** The settings as `serve` takes them. */
export function serveOptionsOf(settings: ServeSettings, environment: NodeJS.ProcessEnv): ServeOptions {
  const { models, bodyLimit, tokenFile, tlsCert, tlsKey, tlsClientCa } = settings;
  const { host, port, modelControl, shutdownDelay, drainTimeout } = settings;
  const { maxHeaderSize, headersTimeout, requestTimeout, responseTimeout, keepAliveTimeout, maxConnections } =
    settings;
  const token = tokenFile === undefined ? environment[tokenVariable] : { file: tokenFile };
  return {
    models: servedModels(settings),
    ...{ host, port, modelControl, shutdownDelay, drainTimeout },
    ...{ maxHeaderSize, headersTimeout, requestTimeout, responseTimeout, keepAliveTimeout, maxConnections },
    bodyLimit: bodyLimit * 2 ** 20,
    ...(settings.grpc === 'on' ? { grpcPort: settings.grpcPort ?? nextPort(port) } : {}),
    load: (name) => loadOptionsOf({ ...settings, ...(Object.hasOwn(models, name) ? models[name] : {}) }),
    token,
    tls:
      tlsCert === undefined || tlsKey === undefined
        ? undefined
        : { cert: tlsCert, key: tlsKey, ...defined({ clientCa: tlsClientCa }) },
  };
}

/** As Triton's 8001 follows its 8000, so that several servers have ports of their own. */
const nextPort = (port: number) => (port === 0 ? 0 : port + 1);

function loadOptionsOf({
  streams,
  threads,
  maxQueue,
  maxBatchSize,
  maxQueueDelay,
}: ModelSettings): LoadOptions {
  return {
    ...defined({ streams, threadsPerStream: threads, maxQueue }),
    ...(maxBatchSize === undefined ? {} : { batching: { maxBatchSize, ...defined({ maxQueueDelay }) } }),
  };
}

/** Without those that are undefined. */
function defined<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
