import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { effectiveSettings, type Flags } from '../../../lib/cli/serve/effective-settings.ts';
import { settingsOfEnvironment, variableOf } from '../../../lib/cli/serve/environment.ts';
import { fileSchema } from '../../../lib/cli/serve/schema.ts';
import { serveOptionsOf } from '../../../lib/cli/serve/serve-options.ts';
import { type Setting, settings } from '../../../lib/cli/serve/settings.ts';
import { settingsOfFile } from '../../../lib/cli/serve/settings-file.ts';
import { UsageError } from '../../../lib/cli/usage-error.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-settings-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const yaml = `
repository: /models
port: 9001
host: 0.0.0.0
maxBatchSize: 8
models:
  resnet50: { streams: 2, maxBatchSize: 16, maxQueueDelay: 1.5 }
  embedder: { threads: 1 }
`;

describe('settings', () => {
  it('come from flags before the environment, from that before the file, from that before the defaults', async () => {
    const path = await file('all.yaml', yaml);
    const environment = { OCTAVO_SERVE_PORT: '9002', OCTAVO_SERVE_MAX_QUEUE: '5', OTHER_PORT: 'x' };
    const { settings, sources } = await effectiveSettings({ maxQueue: '6' }, path, environment);
    expect(settings).toMatchObject({ repository: '/models', host: '0.0.0.0', port: 9002, maxQueue: 6 });
    expect(settings).toMatchObject({ bodyLimit: 64, modelControl: 'none', maxBatchSize: 8 });
    expect(sources).toMatchObject({ host: path, port: 'OCTAVO_SERVE_PORT', maxQueue: '--max-queue' });
    expect(sources).toMatchObject({ bodyLimit: 'default', repository: path, models: path });
  });

  it('are the same in JSON', async () => {
    const json = { repository: '/models', models: { a: { streams: 2 } }, $schema: './serve.schema.json' };
    expect(await settingsOfFile(await file('all.json', JSON.stringify(json)))).toEqual(json);
  });

  it('stand in the file that the environment names, unless a flag names one', async () => {
    const [one, two] = [await file('one.yaml', 'repository: one'), await file('two.yml', 'repository: two')];
    const environment = { OCTAVO_SERVE_CONFIG: one };
    expect((await effectiveSettings({}, undefined, environment)).settings.repository).toBe('one');
    expect((await effectiveSettings({}, two, environment)).settings.repository).toBe('two');
  });

  it('may be missing in the file, or all of them', async () => {
    expect(await settingsOfFile(await file('empty.yaml', '# nothing\n'))).toEqual({});
  });

  it('have a flag, a variable and a field of the same name', () => {
    expect(variableOf('maxBatchSize')).toBe('OCTAVO_SERVE_MAX_BATCH_SIZE');
    for (const name of Object.keys(settings)) {
      const { schema } = settings[name as keyof typeof settings];
      const value = 'enum' in schema ? schema.enum[0] : '7';
      const expected = schema.type === 'string' ? value : 7;
      expect(settingsOfEnvironment({ [variableOf(name)]: value })).toEqual({ [name]: expected });
      expect(Object.keys(fileSchema.properties)).toContain(name);
    }
  });

  it('of one model stand beside those of all', async () => {
    const { settings } = await effectiveSettings({}, await file('models.yaml', yaml), {});
    const { load, ...options } = serveOptionsOf(settings, {});
    expect(options).toMatchObject({ models: '/models', port: 9001, bodyLimit: 64 * 2 ** 20 });
    const loadOf = load as (name: string) => unknown;
    expect(loadOf('resnet50')).toEqual({ streams: 2, batching: { maxBatchSize: 16, maxQueueDelay: 1.5 } });
    expect(loadOf('embedder')).toEqual({ threadsPerStream: 1, batching: { maxBatchSize: 8 } });
    for (const other of ['another', 'toString'])
      expect(loadOf(other)).toEqual({ batching: { maxBatchSize: 8 } });
  });

  it('name a token by its file, or it is in the environment', async () => {
    const tokenFile = await file('token', 'abc');
    const { settings } = await effectiveSettings({ repository: 'm', tokenFile }, undefined, {});
    expect(serveOptionsOf(settings, {}).token).toEqual({ file: tokenFile });
    const [repository, OCTAVO_SERVE_TOKEN] = ['m', 'def'];
    const effective = await effectiveSettings({ repository }, undefined, { OCTAVO_SERVE_TOKEN });
    expect(JSON.stringify(effective)).not.toContain('def"');
    expect(serveOptionsOf(effective.settings, { OCTAVO_SERVE_TOKEN }).token).toBe('def');
  });
});

describe('a wrong setting', () => {
  it.each([
    ['port: 70000', 'port must be a whole number from 0 to 65535, got 70000'],
    ['port: "8000"', 'port must be a whole number from 0 to 65535, got "8000"'],
    ['host: ""', 'host must be a text that is not empty, got ""'],
    ['modelControl: poll', 'modelControl must be one of none, explicit, got "poll"'],
    ['prot: 8000', 'prot is unknown; did you mean port?'],
    ['token: abc', 'token is unknown; did you mean tokenFile?'],
    ['zzzzzz: 1', 'zzzzzz is unknown; there are $schema, repository, host, port'],
    ['models: 3', 'models must be settings by their names, got 3'],
    ['models: { a: { stream: 2 } }', 'models.a.stream is unknown; did you mean models.a.streams?'],
    ['models: { a: { port: 2 } }', 'models.a.port is unknown; there are models.a.streams, models.a.threads'],
    ['models: { a/b~c: { streams: 0 } }', 'models.a/b~c.streams must be a whole number above 0, got 0'],
    ['- port', 'it must be settings by their names, got ["port"]'],
    ['port: [', 'could not be read: '],
    ['port: 1\nport: 2', 'could not be read: Map keys must be unique at line 2, column 1'],
  ])('of a file is named: %j', async (text, message) => {
    const path = await file('wrong.yaml', text);
    const failure = await settingsOfFile(path).catch((error: Error) => error.message);
    expect(failure).toContain(path);
    expect(failure).toContain(message);
    expect(failure).not.toContain('\n');
  });

  it('of JSON is named, and a file of another kind, and one that is not there', async () => {
    await expect(settingsOfFile(await file('wrong.json', '{'))).rejects.toThrow(
      'wrong.json could not be read: ',
    );
    await expect(settingsOfFile(await file('a.toml', ''))).rejects.toThrow('ends in .json, .yaml, .yml');
    await expect(settingsOfFile(join(folder, 'none.yaml'))).rejects.toThrow(
      'none.yaml could not be opened: ENOENT',
    );
  });

  it.each([
    ['OCTAVO_SERVE_PORT', 'tcp://10.0.0.1:80', 'OCTAVO_SERVE_PORT must be a whole number from 0 to 65535'],
    ['OCTAVO_SERVE_PORT', '', 'OCTAVO_SERVE_PORT must be a whole number from 0 to 65535, got ""'],
    ['OCTAVO_SERVE_PROT', '1', 'OCTAVO_SERVE_PROT is unknown; did you mean OCTAVO_SERVE_PORT?'],
    ['OCTAVO_SERVE_MODELS', 'm', 'the folder of models is OCTAVO_SERVE_REPOSITORY'],
  ])('of the environment is named: %s=%j', (name, value, message) => {
    expect(() => settingsOfEnvironment({ [name]: value })).toThrow(message);
  });

  it.each<[Flags, string]>([
    [{ port: 'x' }, '--port must be a whole number from 0 to 65535, got "x"'],
    [{ maxQueueDelay: '5' }, '--max-queue-delay needs --max-batch-size'],
    [{ port: '65535' }, 'there is no port after --port 65535 for gRPC'],
    [{ port: '65535', grpc: 'off' }, ''],
    [{ port: '65535', grpcPort: '8001' }, ''],
    [{ port: '9000', grpcPort: '9000' }, '--port and --grpc-port are both 9000'],
    [{ port: '0', grpcPort: '0' }, ''],
    [{ grpcPort: '9001', grpc: 'off' }, '--grpc-port 9001 means nothing with --grpc off'],
    [{ tlsCert: 'a' }, '--tls-cert and --tls-key go together'],
    [{ tlsClientCa: 'a' }, '--tls-client-ca needs --tls-cert'],
    [{ headersTimeout: '9', requestTimeout: '8' }, '--headers-timeout 9 is above --request-timeout 8'],
    [{ requestTimeout: '9000', headersTimeout: '0' }, ''],
  ])('of flags is wrong usage: %j', async (flags, message) => {
    const made = effectiveSettings({ repository: 'm', ...flags }, undefined, {});
    if (message === '') return void (await made);
    await expect(made).rejects.toThrow(message);
    await expect(made).rejects.toBeInstanceOf(UsageError);
  });

  it('is a token that is given twice, or a repository that is missing', async () => {
    const environment = { OCTAVO_SERVE_TOKEN: 'secret' };
    const twice = effectiveSettings({ repository: 'm', tokenFile: 'f' }, undefined, environment);
    await expect(twice).rejects.toThrow('the token is given twice');
    await expect(twice).rejects.not.toThrow('secret');
    await expect(effectiveSettings({}, undefined, {})).rejects.toThrow('there are no models to serve');
  });
});

it('the page has a row for each setting, with its default', async () => {
  const page = await readFile(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  for (const [name, { text, default: usual }] of Object.entries<Setting>(settings))
    expect(page).toContain(`| \`${name}\` |${usual === undefined ? '' : ` ${usual}`} | ${text} |\n`);
});

describe('the JSON Schema', () => {
  it('is the one in docs/', async () => {
    const published = await readFile(new URL('../../../docs/serve.schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(published)).toEqual(fileSchema);
  });

  it('is one of its draft, with defaults that it allows', () => {
    const ajv = new Ajv({ useDefaults: true });
    const all: Record<string, unknown> = {};
    expect(ajv.validate(fileSchema, all)).toBe(true);
    expect(all).toMatchObject({ port: 8000, host: 'localhost', keepAliveTimeout: 72_000 });
  });

  it('allows what is read, whatever it is, and nothing else', async () => {
    const check = new Ajv().compile(fileSchema);
    const name = fc.constantFrom('port', 'host', 'models', 'streams', 'logLevel', 'zzz', '$schema');
    const value = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.constantFrom('', 'info', 'localhost'),
      fc.constant(null),
    );
    const model = fc.dictionary(fc.constantFrom('streams', 'maxQueueDelay', 'port'), value);
    const given = fc.dictionary(name, fc.oneof(value, fc.dictionary(fc.string(), model)));
    await fc.assert(
      fc.asyncProperty(given, async (settings) => {
        const text = JSON.stringify(settings);
        const read = await settingsOfFile(await file('any.json', text)).then(
          () => true,
          () => false,
        );
        expect(read).toBe(check(JSON.parse(text)));
      }),
      { numRuns: 200 },
    );
  });
});
