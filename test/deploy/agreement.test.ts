import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { settingsOfEnvironment } from '../../lib/cli/serve/environment.ts';
import { serveDefaults } from '../../lib/serve/serve-options.ts';
import { saveNetwork } from '../serve/client.ts';
import { GrpcClient } from '../serve/grpc/client.ts';
import { read } from './manifests.ts';

const deployment = read('kubernetes/deployment.yaml');
const pod = deployment.spec.template.spec;
const runtime = read('kserve/serving-runtime.yaml');
const service = read('kserve/inference-service.yaml');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-deploy-'));
  await saveNetwork(join(folder, 'network.octavo'));
});
afterAll(() => rm(folder, { recursive: true }));

let server: ChildProcess | undefined;
afterEach(async () => {
  if (server?.exitCode !== null) return;
  server.kill('SIGKILL');
  await once(server, 'exit');
});

/** Runs a manifest's command on models of this machine, on any port, and without the wait at the end. */
async function started(
  args: readonly string[],
): Promise<{ url: string; grpcAddress: string; models: string[] }> {
  const here = args.map((arg) => arg.replace('/mnt/models', folder));
  server = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      'lib/cli/main.ts',
      ...here,
      '--port=0',
      '--grpc-port=0',
      '--shutdown-delay=0',
      '--json',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  for await (const chunk of server.stdout!) {
    text += chunk;
    if (text.endsWith('}\n')) break;
  }
  const { url, grpcAddress, models } = JSON.parse(text);
  return { url: url.replace('0.0.0.0', '127.0.0.1'), grpcAddress, models };
}

async function isServing(grpcAddress: string): Promise<boolean> {
  using client = new GrpcClient(grpcAddress.replace('0.0.0.0', '127.0.0.1'));
  return (await client.ask('ServerReady', {})).message.ready;
}

async function ended(): Promise<number | null> {
  server!.kill('SIGTERM');
  if (server!.exitCode === null) await once(server!, 'exit');
  return server!.exitCode;
}

const probesOf = (container: ReturnType<typeof read>) =>
  ['startupProbe', 'readinessProbe', 'livenessProbe'].map((name) => container[name].httpGet);
const flag = (args: readonly string[], name: string) =>
  args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);

describe.each([
  ['the deployment', pod.containers[0], 'network'],
  ['the serving runtime', runtime.spec.containers[0], 'resnet18'],
])('%s', (_, container, name) => {
  const args = container.args.map((arg: string) => arg.replace('{{.Name}}', service.metadata.name));

  it('runs a command that there is, and asks for what it answers', async () => {
    const { url, grpcAddress, models } = await started(args);
    expect(models).toEqual([name]);
    expect(await isServing(grpcAddress)).toBe(true);
    for (const { path } of probesOf(container)) expect((await fetch(url + path)).status, path).toBe(200);
    expect((await fetch(`${url}/v2/health/well`)).status).toBe(404);
    expect(await ended()).toBe(0);
  }, 180_000);

  it('listens where it is asked', () => {
    const port = Number(flag(args, 'port') ?? serveDefaults.port);
    for (const probe of probesOf(container)) {
      const named = container.ports?.find((each: { name: string }) => each.name === probe.port);
      expect(named?.containerPort ?? probe.port).toBe(port);
    }
    const grpc = container.ports?.find((each: { name: string }) => each.name === 'grpc');
    if (grpc) expect(grpc.containerPort).toBe(Number(flag(args, 'grpc-port') ?? port + 1));
  });

  it('has whole CPUs of its own', () => {
    expect(container.resources.requests).toEqual(container.resources.limits);
    expect(container.resources.limits.cpu).toMatch(/^\d+$/);
  });

  it('can end before it is killed', () => {
    const { terminationGracePeriodSeconds } = name === 'network' ? pod : service.spec.predictor;
    const drainTimeout = Number(flag(args, 'drain-timeout') ?? serveDefaults.drainTimeout);
    const delay = Number(flag(args, 'shutdown-delay'));
    expect(terminationGracePeriodSeconds * 1000).toBeGreaterThan(delay + drainTimeout);
    // Time for services to learn of it: as long as readiness takes to be noticed.
    const { periodSeconds } = container.readinessProbe;
    expect(delay).toBeGreaterThanOrEqual(periodSeconds * 1000);
  });
});

describe('the manifests', () => {
  const labels = deployment.spec.template.metadata.labels;

  it.each([
    ['kubernetes/service.yaml', ({ spec }: ReturnType<typeof read>) => spec.selector],
    ['kubernetes/disruption-budget.yaml', ({ spec }: ReturnType<typeof read>) => spec.selector.matchLabels],
    ['autoscaling/pod-monitor.yaml', ({ spec }: ReturnType<typeof read>) => spec.selector.matchLabels],
    ['kubernetes/deployment.yaml', ({ spec }: ReturnType<typeof read>) => spec.selector.matchLabels],
  ])('%s finds the pods', (path, selector) => expect(labels).toMatchObject(selector(read(path))));

  it('name ports of the pods', () => {
    const ports = pod.containers[0].ports.map(({ name }: { name: string }) => name);
    const { spec } = read('kubernetes/service.yaml');
    const monitor = read('autoscaling/pod-monitor.yaml');
    for (const { targetPort } of spec.ports) expect(ports).toContain(targetPort);
    for (const { port } of monitor.spec.podMetricsEndpoints) expect(ports).toContain(port);
  });

  it('scale what there is, by a series that the adapter hands on', () => {
    const { spec } = read('autoscaling/autoscaler.yaml');
    const { kind, apiVersion, metadata } = deployment;
    expect(spec.scaleTargetRef).toEqual({ kind, apiVersion, name: metadata.name });
    const { custom } = read('autoscaling/prometheus-adapter.yaml').rules;
    const [{ pods }] = spec.metrics;
    expect(custom[0].seriesQuery).toContain(`${pods.metric.name}{`);
  });

  it('keep variables of services from being read as settings', () => {
    expect(pod.enableServiceLinks).toBe(false);
    expect(service.spec.predictor.enableServiceLinks).toBe(false);
    expect(() => settingsOfEnvironment({ OCTAVO_SERVE_PORT: 'tcp://10.0.0.1:8000' })).toThrow(
      'OCTAVO_SERVE_PORT',
    );
  });

  it('mount models where the command looks for them', () => {
    const [{ mountPath, name }] = pod.containers[0].volumeMounts;
    expect(pod.containers[0].args).toContain(mountPath);
    expect(pod.volumes.map((volume: { name: string }) => volume.name)).toContain(name);
  });

  it('have a runtime for the format that the service asks for', () => {
    const { modelFormat, protocolVersion } = service.spec.predictor.model;
    expect(runtime.spec.supportedModelFormats).toContainEqual(expect.objectContaining(modelFormat));
    expect(runtime.spec.protocolVersions).toContain(protocolVersion);
  });
});
