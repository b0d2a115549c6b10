import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { tokenVariable } from '../../lib/cli/serve/environment.ts';
import { folder, manifests, problemsOf, read } from './manifests.ts';

/** A manifest in which something is other than in its file. */
function changed(path: string, damage: (manifest: ReturnType<typeof read>) => void) {
  const manifest = read(path);
  damage(manifest);
  return manifest;
}
const container = ({ spec }: ReturnType<typeof read>) => (spec.template?.spec ?? spec).containers[0];

const deployment = 'kubernetes/deployment.yaml';
const runtime = 'kserve/serving-runtime.yaml';
const service = 'kserve/inference-service.yaml';
const autoscaler = 'autoscaling/autoscaler.yaml';
const monitor = 'autoscaling/pod-monitor.yaml';
/** Damaged manifests, and what has to be found. */
const faults: readonly [manifest: unknown, message: RegExp][] = [
  // Fields that are not there, wherever they stand.
  [changed(deployment, (it) => (container(it).readinesProbe = {})), /readinesProbe/],
  [changed(deployment, (it) => (container(it).securityContext.readOnly = true)), /readOnly/],
  [changed(runtime, (it) => (container(it).arg = ['serve'])), /"arg"/],
  [changed(runtime, (it) => (it.spec.supportedModelFormats[0].auto = true)), /"auto"/],
  [changed(service, (it) => (it.spec.predictor.model.storageURI = 's3://a')), /storageURI/],
  [changed(service, (it) => (it.spec.predictor.replicas = 2)), /replicas/],
  [changed('kubernetes/service.yaml', (it) => (it.spec.port = 1)), /"port"/],
  [changed('kubernetes/disruption-budget.yaml', (it) => (it.spec.max = 1)), /"max"/],
  [changed(monitor, (it) => (it.spec.podMetricsEndpoints[0].paths = '/')), /"paths"/],
  // Values of another type, or of no meaning.
  [changed(deployment, (it) => (it.spec.replicas = '2')), /replicas must be integer/],
  [
    changed(deployment, (it) => (container(it).resources.limits.memory = 'much')),
    /limits\/memory must match/,
  ],
  [changed(runtime, (it) => (container(it).resources.limits.memory = 'much')), /limits\/memory must match/],
  [
    changed(runtime, (it) => (container(it).startupProbe.periodSeconds = '2s')),
    /periodSeconds must be integer/,
  ],
  [changed(service, (it) => (it.spec.predictor.terminationGracePeriodSeconds = '40')), /must be integer/],
  [changed(autoscaler, (it) => (it.spec.metrics[0].pods.target.averageValue = 'few')), /must match/],
  [changed(runtime, (it) => (it.spec.protocolVersions = ['v3'])), /"v3"/],
  // Fields that are missing.
  [changed(deployment, (it) => delete it.spec.selector), /selector/],
  [changed(service, (it) => delete it.spec.predictor.model.modelFormat), /modelFormat/],
  [changed(autoscaler, (it) => delete it.spec.maxReplicas), /maxReplicas/],
  [changed(deployment, (it) => (it.apiVersion = 'apps/v2')), /apps\/v/],
];

describe('the manifests in deploy/', () => {
  // At once: the compiler reads Kubernetes' types for them all.
  let problems: ReturnType<typeof problemsOf>;
  beforeAll(() => {
    problems = problemsOf([...manifests.map(read), ...faults.map(([manifest]) => manifest)]);
  }, 120_000);

  it('are what Kubernetes, its extensions and KServe understand', () => {
    expect(manifests).toContain('kubernetes/deployment.yaml');
    expect(Object.fromEntries(manifests.map((path, i) => [path, problems[i]]))).toEqual(
      Object.fromEntries(manifests.map((path) => [path, []])),
    );
  });

  it('would be found to be wrong', () => {
    faults.forEach(
      ([, message], i) => void expect(problems[manifests.length + i].join('; ')).toMatch(message),
    );
  });

  it('are what docs/deployment.md shows of them', () => {
    const page = readFileSync(join(folder, '../docs/deployment.md'), 'utf8');
    const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block]) => parse(block));
    expect(blocks).toHaveLength(5);
    const [token, credentials, probe, served, ports] = blocks;
    const shown = [
      changed(deployment, (it) => Object.assign(container(it), token)),
      changed(monitor, (it) => Object.assign(it.spec.podMetricsEndpoints[0], credentials)),
      changed(deployment, (it) => (container(it).readinessProbe = probe)),
      changed(service, (it) => Object.assign(it.spec.predictor.model, ports.model)),
    ];
    expect(problemsOf(shown)).toEqual(shown.map(() => []));
    const { name, valueFrom } = token.env[0];
    expect(name).toBe(tokenVariable);
    expect(credentials.authorization.credentials).toEqual(valueFrom.secretKeyRef);
    expect(read(service)).toMatchObject(served);
    const [{ args }] = read(runtime).spec.containers;
    expect(args).toContain(`--grpc-port=${ports.model.ports[1].containerPort}`);
  });

  it('are all applied by a kustomization of their folder', () => {
    for (const path of manifests.filter((each) => !each.startsWith('kserve/'))) {
      const { resources } = read(join(dirname(path), 'kustomization.yaml'));
      expect(resources).toContain(path.slice(dirname(path).length + 1));
    }
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      if (path.endsWith('kustomization.yaml'))
        for (const resource of read(path).resources)
          expect(existsSync(join(folder, dirname(path), resource)), resource).toBe(true);
  });

  it('leave the number of pods to the autoscaler where there is one', () => {
    const { resources, patches } = read('autoscaling/kustomization.yaml');
    expect(resources).toContain('../kubernetes');
    const [{ target, patch }] = patches;
    const { kind, metadata, spec } = read(deployment);
    expect(target).toEqual({ kind, name: metadata.name });
    expect(parse(patch)).toEqual([{ op: 'remove', path: '/spec/replicas' }]);
    expect(spec).toHaveProperty('replicas');
  });
});
