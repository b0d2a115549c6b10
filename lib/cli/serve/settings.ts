import type { NamedModel } from '../../serve/index.ts';
import { serveDefaults } from '../../serve/serve-options.ts';

/** A value's form, in JSON Schema. */
export type ValueSchema =
  | { readonly type: 'string'; readonly minLength: 1; readonly enum?: readonly string[] }
  | { readonly type: 'integer' | 'number'; readonly minimum: number; readonly maximum?: number };

/** What `octavo serve` can be told, by a flag, the environment or a file. */
export interface Setting {
  /** What stands for its value in the help: `<n>`. */
  readonly value: string;
  readonly text: string;
  readonly schema: ValueSchema;
  readonly default?: string | number;
}

const text = { type: 'string', minLength: 1 } as const;
const count = { type: 'integer', minimum: 1 } as const;
/** What timers of Node take: more would pass at once. */
const longest = 2 ** 31 - 1;
const milliseconds = { type: 'integer', minimum: 0, maximum: longest } as const;
const oneOf = <const Names extends readonly string[]>(...names: Names) => ({ ...text, enum: names });
const MiB = 2 ** 20;

/** Settings that a model may have otherwise than the rest, in the file. */
export const modelSettings = {
  streams: {
    value: '<n>',
    text: 'requests of a model that run at the same time (default: 1)',
    schema: count,
  },
  threads: {
    value: '<n>',
    text: 'threads that compute one request (default: the cores, divided among the streams)',
    schema: count,
  },
  maxQueue: { value: '<n>', text: 'refuse requests while so many wait (default: 1024)', schema: count },
  maxBatchSize: {
    value: '<n>',
    text: 'compute up to so many samples of waiting requests together',
    schema: count,
  },
  maxQueueDelay: {
    value: '<ms>',
    text: 'let a request wait so long for others (default: 0)',
    schema: { type: 'number', minimum: 0, maximum: longest },
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** All settings that have a flag. Each has the same name in the file, and `OCTAVO_SERVE_…` in the environment. */
export const settings = {
  host: {
    value: '<address>',
    text: 'where to listen; 0.0.0.0 serves other machines, too',
    schema: text,
    default: serveDefaults.host,
  },
  port: {
    value: '<n>',
    text: 'where to listen; 0 for any port that is free',
    schema: { type: 'integer', minimum: 0, maximum: 65535 },
    default: serveDefaults.port,
  },
  grpcPort: {
    value: '<n>',
    text: 'where to listen for gRPC (default: the port after --port)',
    schema: { type: 'integer', minimum: 0, maximum: 65535 },
  },
  grpc: {
    value: '<mode>',
    text: 'whether to speak gRPC: on or off',
    schema: oneOf('on', 'off'),
    default: 'on',
  },
  modelName: {
    value: '<name>',
    text: 'serve one model, under this name: a file, a folder with one .octavo file or with VERSION/model.octavo',
    schema: text,
  },
  workers: {
    value: '<n>',
    text: 'serve in so many processes, each on CPUs of its own (default: in this one)',
    schema: count,
  },
  modelControl: {
    value: '<mode>',
    text: 'whether clients may load and unload models: none or explicit',
    schema: oneOf('none', 'explicit'),
    default: serveDefaults.modelControl,
  },
  ...modelSettings,
  tokenFile: {
    value: '<file>',
    text: 'a file with the token that clients must show',
    schema: text,
  },
  tlsCert: { value: '<file>', text: 'speak TLS, with this certificate in PEM', schema: text },
  tlsKey: { value: '<file>', text: 'the key of the certificate, in PEM', schema: text },
  tlsClientCa: {
    value: '<file>',
    text: 'refuse clients without a certificate that one of these has signed',
    schema: text,
  },
  bodyLimit: {
    value: '<mib>',
    text: 'refuse requests of more MiB',
    schema: { ...count, maximum: 4095 },
    default: serveDefaults.bodyLimit / MiB,
  },
  maxHeaderSize: {
    value: '<bytes>',
    text: 'refuse requests with a larger head',
    schema: { ...count, maximum: MiB },
    default: serveDefaults.maxHeaderSize,
  },
  headersTimeout: {
    value: '<ms>',
    text: 'how long the head of a request may take to arrive; 0 for no limit',
    schema: milliseconds,
    default: serveDefaults.headersTimeout,
  },
  requestTimeout: {
    value: '<ms>',
    text: 'how long a whole request may take to arrive; 0 for no limit',
    schema: milliseconds,
    default: serveDefaults.requestTimeout,
  },
  responseTimeout: {
    value: '<ms>',
    text: 'how long a client may take to read its answer; 0 for no limit',
    schema: milliseconds,
    default: serveDefaults.responseTimeout,
  },
  keepAliveTimeout: {
    value: '<ms>',
    text: 'how long a connection stays open without a request; 0 for no limit',
    schema: milliseconds,
    default: serveDefaults.keepAliveTimeout,
  },
  maxConnections: {
    value: '<n>',
    text: 'how many connections may be open at a time; 0 for no limit',
    schema: { type: 'integer', minimum: 0 },
    default: serveDefaults.maxConnections,
  },
  shutdownDelay: {
    value: '<ms>',
    text: 'go on serving so long after SIGTERM, not ready any more',
    schema: milliseconds,
    default: serveDefaults.shutdownDelay,
  },
  drainTimeout: {
    value: '<ms>',
    text: 'how long answers under way may take after that; then their connections are cut',
    schema: milliseconds,
    default: serveDefaults.drainTimeout,
  },
  logLevel: {
    value: '<level>',
    text: 'what stands in the log, on stderr: trace, debug, info, warn, error, fatal or silent',
    schema: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
  },
} as const satisfies Readonly<Record<string, Setting>>;

type ValueOf<Schema> = Schema extends { readonly enum: readonly (infer Name)[] }
  ? Name
  : Schema extends { readonly type: 'string' }
    ? string
    : number;

type ValuesOf<Settings extends Readonly<Record<string, Setting>>> = {
  readonly [Name in keyof Settings]?: ValueOf<Settings[Name]['schema']>;
};

export type ModelSettings = ValuesOf<typeof modelSettings>;

/** What one source says: the flags, the environment, or a file. */
export interface GivenSettings extends ValuesOf<typeof settings> {
  /** A folder of models, or one `.octavo` file. */
  readonly repository?: string;
  /** By names of models, what they have otherwise than the rest. Only a file says it. */
  readonly models?: Readonly<Record<string, ModelSettings>>;
}

type Default = {
  [Name in keyof typeof settings]: (typeof settings)[Name] extends { readonly default: unknown }
    ? Name
    : never;
}[keyof typeof settings];

/** What the server goes by: all that has a default is there. */
export type ServeSettings = GivenSettings & Required<Pick<GivenSettings, Default | 'repository' | 'models'>>;

/** What is served, as `serve` takes it. */
export const servedModels = ({ repository, modelName }: ServeSettings): string | NamedModel =>
  modelName === undefined ? repository : { name: modelName, path: repository };
