import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Pod } from 'kubernetes-models/v1/Pod';
import { Service } from 'kubernetes-models/v1/Service';
import ts from 'typescript';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const folder = join(root, 'deploy');

/** What a file of `deploy/` holds. */
// biome-ignore lint/suspicious/noExplicitAny: YAML, whose form is what the tests are about.
export const read = (path: string): any => parse(readFileSync(join(folder, path), 'utf8'));

/** Paths of all objects of Kubernetes and its extensions, below `deploy/`. */
export const manifests = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.yaml') && read(path).kind !== undefined)
  .filter((path) => basename(path) !== 'kustomization.yaml')
  .sort();

interface Kind {
  /** The module that declares its type, and the type's name. */
  readonly type: readonly [module: string, name: string];
  /** Kubernetes' own schema, compiled: checks what types cannot, such as quantities. */
  readonly check: (manifest: never) => void;
}

const models = { Deployment, HorizontalPodAutoscaler, PodDisruptionBudget, PodMonitor, Service };
const checkAs = (kind: keyof typeof models) => (manifest: never) => {
  new models[kind](manifest).validate();
};
const checkPodSpec = (spec: object) => new Pod({ spec: spec as never }).validate();

/** By `kind`. */
const kinds: Readonly<Record<string, Kind>> = {
  ClusterServingRuntime: {
    type: ['./kserve-types.ts', 'ClusterServingRuntime'],
    check: ({ spec: { containers } }: { spec: { containers: object[] } }) => checkPodSpec({ containers }),
  },
  Deployment: { type: ['kubernetes-models/apps/v1', 'IDeployment'], check: checkAs('Deployment') },
  HorizontalPodAutoscaler: {
    type: ['kubernetes-models/autoscaling/v2', 'IHorizontalPodAutoscaler'],
    check: checkAs('HorizontalPodAutoscaler'),
  },
  InferenceService: {
    type: ['./kserve-types.ts', 'InferenceService'],
    check: ({ spec: { predictor } }: { spec: { predictor: object } }) =>
      checkPodSpec({ ...predictor, containers: [{ name: 'model' }] }),
  },
  PodDisruptionBudget: {
    type: ['kubernetes-models/policy/v1', 'IPodDisruptionBudget'],
    check: checkAs('PodDisruptionBudget'),
  },
  PodMonitor: {
    type: ['@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1', 'IPodMonitor'],
    check: checkAs('PodMonitor'),
  },
  Service: { type: ['kubernetes-models/v1', 'IService'], check: checkAs('Service') },
};

/**
 * What is wrong with each of several manifests, as sentences; nothing where all is well. Kubernetes' schemas allow fields that they do not
 * know, as its API server ignores them. TypeScript does not: each manifest is compiled as a literal of its type.
 */
// biome-ignore lint/suspicious/noExplicitAny: as above.
export function problemsOf(given: readonly any[]): readonly (readonly string[])[] {
  const sources = given.map((manifest) => {
    const [module, name] = kinds[manifest.kind].type;
    return `import type { ${name} } from '${module}';\nexport const manifest: ${name} = ${JSON.stringify(manifest, null, 2)};\n`;
  });
  const problems = typeProblems(sources);
  return given.map((manifest, i) => {
    try {
      kinds[manifest.kind].check(manifest as never);
      return problems[i];
    } catch (error) {
      return [...problems[i], (error as Error).message];
    }
  });
}

/** Errors of the compiler in each source, which stands beside this file without being there. */
function typeProblems(sources: readonly string[]): string[][] {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const files = new Map(sources.map((source, i) => [join(import.meta.dirname, `manifest-${i}.ts`), source]));
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, target, ...rest) => {
    const source = files.get(name);
    return source === undefined
      ? getSourceFile(name, target, ...rest)
      : ts.createSourceFile(name, source, target);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].map((name) => {
    const file = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '),
    );
  });
}
