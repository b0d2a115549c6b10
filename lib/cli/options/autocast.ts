import { type Command, Option } from 'commander';
import type { AutocastOptions } from '../../lowering/index.ts';
import { UsageError } from '../usage-error.ts';

/** Options of commands that lower a model. */
export interface AutocastFlags {
  readonly autocast?: AutocastOptions['dtype'];
  readonly forceAutocast?: boolean;
}

/** Adds `--autocast` and `--force-autocast`. */
export function addAutocastOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--autocast <dtype>', 'compute in it where nothing is quantized').choices(['bfloat16']),
    )
    .option('--force-autocast', 'also where this CPU is not faster in it');
}

/**
 * What `lower` is to be told.
 * @throws UsageError when there is something to force, but no dtype.
 */
export function autocastOf({ autocast, forceAutocast = false }: AutocastFlags): AutocastOptions | undefined {
  if (autocast === undefined && forceAutocast)
    throw new UsageError('--force-autocast needs --autocast bfloat16');
  return autocast && { dtype: autocast, force: forceAutocast };
}
