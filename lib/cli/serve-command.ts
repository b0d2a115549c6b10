import { Command } from 'commander';
import { flagOf } from './flag-of.ts';
import type { RunOptions } from './serve/run.ts';
import { type Setting, settings } from './serve/settings.ts';

/** `octavo serve MODELS`: the models of a folder over HTTP and gRPC, until SIGTERM or SIGINT. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description('serve saved models by the Open Inference Protocol v2 over HTTP and gRPC')
    .argument('[models]', 'a folder with <name>.octavo or <name>/<version>/model.octavo, or one .octavo file')
    .option('--config <file>', 'settings in YAML or JSON; OCTAVO_SERVE_… in the environment stand above it')
    .option('--print-config', 'print the settings that it would serve with, and where each comes from')
    .option('--print-schema', 'print the JSON Schema of a file of settings');
  for (const [name, { value, text, default: usual }] of Object.entries<Setting>(settings))
    command.option(`${flagOf(name)} ${value}`, usual === undefined ? text : `${text} (default: ${usual})`);
  return command.action(async (models: string | undefined, _: unknown, self: Command) => {
    const { json, config, printConfig, printSchema, ...flags } = self.optsWithGlobals();
    const options: RunOptions = { json, config, printConfig, printSchema };
    // Here, so that no other command loads a server.
    const { run } = await import('./serve/run.ts');
    await run(models === undefined ? flags : { ...flags, repository: models }, options);
  });
}
