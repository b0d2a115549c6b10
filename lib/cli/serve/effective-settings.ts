import { flagOf } from '../flag-of.ts';
import { UsageError } from '../usage-error.ts';
import { checkSettings } from './check-settings.ts';
import { configVariable, settingsOfEnvironment, tokenVariable, variableOf } from './environment.ts';
import { type GivenSettings, type ServeSettings, type Setting, settings } from './settings.ts';
import { settingsOfFile } from './settings-file.ts';

/** Texts of flags by the names of their settings, as the command line has them. */
export type Flags = Readonly<Record<string, string>>;

/** The settings that a server goes by, and where each of them comes from. */
export interface EffectiveSettings {
  readonly settings: ServeSettings;
  /** `--port`, `OCTAVO_SERVE_PORT`, the path of the file, or `default`. */
  readonly sources: Readonly<Record<string, string>>;
}

const defaults: GivenSettings = Object.fromEntries(
  Object.entries(settings as Readonly<Record<string, Setting>>)
    .map(([name, setting]) => [name, setting.default] as const)
    .filter(([, value]) => value !== undefined),
);

/**
 * What flags say, else the environment, else the file, else the defaults.
 * @param flags `repository`, which is an argument, among them.
 * @param path the file; undefined: the one that the environment names, if any.
 * @throws UsageError (rejects) for what flags say wrong, or what is missing or does not go together; Error for what the environment or the file says wrong.
 */
export async function effectiveSettings(
  flags: Flags,
  path: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<EffectiveSettings> {
  const file = path ?? environment[configVariable];
  // The last of them that has something to say is heard.
  const heard: readonly (readonly [GivenSettings, (name: string) => string])[] = [
    [{ ...defaults, models: {} }, () => 'default'],
    [file === undefined ? {} : await settingsOfFile(file), () => file!],
    [settingsOfEnvironment(environment), variableOf],
    [settingsOfFlags(flags), nameOfFlag],
  ];
  const said: GivenSettings = Object.assign({}, ...heard.map(([given]) => given));
  const all = inOrder(said);
  const sources = heard.flatMap(([given, nameOf]) => Object.keys(given).map((name) => [name, nameOf(name)]));
  checkTogether(all, environment);
  return { settings: all as ServeSettings, sources: Object.fromEntries(sources) };
}

/** As the help has them. */
function inOrder(given: GivenSettings): GivenSettings {
  const names = ['repository', ...Object.keys(settings), 'models'] as const;
  return Object.fromEntries(
    names.filter((name) => name in given).map((name) => [name, given[name as keyof GivenSettings]]),
  );
}

const nameOfFlag = (name: string) => (name === 'repository' ? '<models>' : flagOf(name));

function settingsOfFlags(flags: Flags): GivenSettings {
  try {
    return checkSettings(flags, { nameOf: ([name]) => nameOfFlag(name), isText: true });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/** @throws UsageError when there is none for gRPC, or one that nothing listens at. */
function checkPorts({ grpc, port, grpcPort }: GivenSettings): void {
  if (grpc === 'off') {
    if (grpcPort === undefined) return;
    throw new UsageError(`--grpc-port ${grpcPort} means nothing with --grpc off; take one away`);
  }
  if (port === 65535 && grpcPort === undefined)
    throw new UsageError(
      'there is no port after --port 65535 for gRPC; name one as --grpc-port, or give --grpc off',
    );
  if (port === grpcPort && port !== 0)
    throw new UsageError(`--port and --grpc-port are both ${port}; each needs one of its own`);
}

/** @throws UsageError for a setting that is missing, or means nothing without another, or with it. */
function checkTogether(all: GivenSettings, environment: NodeJS.ProcessEnv): void {
  const { repository, tlsCert, tlsKey, tlsClientCa, requestTimeout = 0, headersTimeout = 0 } = all;
  if (repository === undefined)
    throw new UsageError(
      `there are no models to serve; name their folder as an argument, as ${variableOf('repository')}, or as "repository" in the file`,
    );
  checkPorts(all);
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new UsageError('--tls-cert and --tls-key go together: one is missing');
  if (tlsClientCa !== undefined && tlsCert === undefined)
    throw new UsageError('--tls-client-ca needs --tls-cert and --tls-key');
  if (requestTimeout > 0 && headersTimeout > requestTimeout)
    throw new UsageError(
      `--headers-timeout ${headersTimeout} is above --request-timeout ${requestTimeout}, of which it is a part`,
    );
  if (environment[tokenVariable] !== undefined && all.tokenFile !== undefined)
    throw new UsageError(`the token is given twice: by ${tokenVariable} and --token-file; take one away`);
  const named = Object.entries(all.models ?? {}).map(([name, each]) => [`models.${name}: `, each] as const);
  for (const [where, { maxQueueDelay, maxBatchSize }] of [['', all] as const, ...named])
    if (maxQueueDelay !== undefined && (maxBatchSize ?? all.maxBatchSize) === undefined)
      throw new UsageError(
        `${where}--max-queue-delay needs --max-batch-size: requests wait only for those that they are computed with`,
      );
}
