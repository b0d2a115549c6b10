// The public API as text, one file an entry of package.json's exports: what a change adds to it or takes away stands in its diff.
// `npm run api` writes these files from dist/; with `-- --check` it ends with 1 if one is not what dist/ exports.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const { exports } = createRequire(import.meta.url)('../package.json') as {
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
};
const isCheck = process.argv.includes('--check');

/** The compiler and TypeDoc complain by themselves. */
const silent = { default: { logLevel: ExtractorLogLevel.None } };

/** @returns whether the report is as it was. */
function report(name: string, declarations: string): boolean {
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, declarations),
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: join(root, 'api'),
        reportTempFolder: join(root, 'build/api'),
      },
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2023',
            module: 'nodenext',
            // API Extractor does not find AbortSignal as Node's declarations alone have it.
            lib: ['es2023', 'esnext.disposable', 'dom'],
            types: ['node'],
            strict: true,
            skipLibCheck: true,
          },
          files: [join(root, declarations)],
        },
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: silent,
        extractorMessageReporting: silent,
        tsdocMessageReporting: silent,
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: !isCheck,
    messageCallback: (message) => {
      message.handled = true;
      if (message.logLevel === ExtractorLogLevel.Error) throw new Error(`${name}: ${message.text}`);
    },
  });
  return !apiReportChanged;
}

const changed = Object.entries(exports)
  .flatMap(([path, target]) => (typeof target === 'string' ? [] : [{ path, declarations: target.types }]))
  .map(({ path, declarations }) => ({ name: path === '.' ? 'octavo' : path.slice(2), declarations }))
  .filter(({ name, declarations }) => !report(name, declarations))
  .map(({ name }) => `api/${name}.api.md`);
if (isCheck && changed.length > 0) {
  console.error(
    `The public API has changed: type \`npm run api\` and look at the diff of ${changed.join(', ')}.`,
  );
  process.exitCode = 1;
} else console.log(changed.length > 0 ? `written: ${changed.join(', ')}` : 'The public API is as it was.');
