import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { benchCommand } from './bench-command.ts';
import { compareCommand } from './compare-command.ts';
import { evalCommand } from './eval-command.ts';
import { infoCommand } from './info-command.ts';
import { inspectCommand } from './inspect-command.ts';
import { printCommand } from './print-command.ts';
import { quantizeCommand } from './quantize-command.ts';
import { reportCommand } from './report-command.ts';
import { serveCommand } from './serve-command.ts';
import { trainCommand } from './train-command.ts';
import { Interrupted } from './training/interruption.ts';
import { UsageError } from './usage-error.ts';

/** Exit codes of `octavo`: done, could not be done, was asked the wrong way, was interrupted. */
export const exitCodes = { ok: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** The `octavo` command with all its commands. */
export function createProgram(): Command {
  const { version } = createRequire(import.meta.url)('octavo/package.json');
  const program = new Command('octavo')
    .description('Quantizes neural networks to int8 and runs them on x86 servers.')
    .version(version)
    .option('--json', 'print one JSON document for machines instead of text')
    .showHelpAfterError('(octavo --help tells how)');
  const commands = [
    infoCommand(),
    inspectCommand(),
    quantizeCommand(),
    trainCommand(),
    evalCommand(),
    compareCommand(),
    reportCommand(),
    benchCommand(),
    printCommand(),
    serveCommand(),
  ];
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program));
  return program;
}

/**
 * Runs one command line (without node and script). Messages go to stderr; with `--json` as `{"error": message}`.
 * @returns the exit code.
 */
export async function runCli(args: readonly string[]): Promise<number> {
  // Not what the parser found: it may have stopped at an error before it came to the option.
  const json = args.includes('--json');
  const fail = (message: string) =>
    process.stderr.write(json ? `${JSON.stringify({ error: message })}\n` : `octavo: ${message}\n`);
  const program = createProgram();
  for (const command of [program, ...program.commands]) {
    command.exitOverride();
    // Commander writes usage errors, and the help that goes with them, as text.
    if (json) command.configureOutput({ writeErr: () => {} });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof CommanderError)) {
      fail(message);
      if (error instanceof UsageError) return exitCodes.usage;
      return error instanceof Interrupted ? exitCodes.interrupted : exitCodes.failure;
    }
    if (error.exitCode === 0) return exitCodes.ok;
    if (json)
      fail(error.code === 'commander.help' ? 'a command is missing' : message.replace(/^error: /, ''));
    return exitCodes.usage;
  }
}
