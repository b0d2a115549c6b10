import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { benchCommand } from './bench-command.ts';
import { evalCommand } from './eval-command.ts';
import { infoCommand } from './info-command.ts';
import { printCommand } from './print-command.ts';
import { quantizeCommand } from './quantize-command.ts';

/** Exit codes of `octavo`: done, could not be done, was asked the wrong way. */
export const exitCodes = { ok: 0, failure: 1, usage: 2 } as const;

/** The `octavo` command with all its commands. */
export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const program = new Command('octavo')
    .description('Quantizes neural networks to int8 and runs them on x86 servers.')
    .version(version)
    .option('--json', 'print one JSON document for machines instead of text')
    .showHelpAfterError('(octavo --help tells how)');
  for (const command of [infoCommand(), quantizeCommand(), evalCommand(), benchCommand(), printCommand()])
    program.addCommand(command.copyInheritedSettings(program));
  return program;
}

/**
 * Runs one command line (without node and script). Messages go to stderr; with `--json` as `{"error": message}`.
 * @returns the exit code.
 */
export async function runCli(args: readonly string[]): Promise<number> {
  const program = createProgram().exitOverride();
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const { message } = error as Error;
    const json = program.opts<{ json?: boolean }>().json;
    process.stderr.write(json ? `${JSON.stringify({ error: message })}\n` : `octavo: ${message}\n`);
    return exitCodes.failure;
  }
}
