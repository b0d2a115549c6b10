import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import { describePt2 } from '../capture/index.ts';
import type {
  ModelDescription,
  OperatorCount,
  ProgramDescription,
  ValueDescription,
} from '../graph/index.ts';
import { describeArtifact } from '../runtime/describe-artifact.ts';
import { type FileKind, fileKind } from './model-file.ts';
import { formatBytes, formatTable, type GlobalOptions, printResult } from './output.ts';

/** Describes a file of each kind. */
const describers: Readonly<Record<FileKind, (path: string) => Promise<ModelDescription>>> = {
  pt2: describePt2,
  artifact: describeArtifact,
};

/** `octavo inspect FILE`: what a model file is and holds, without its weights being read. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('show what a model file is: format, writer, inputs, outputs, operators, what is missing')
    .argument('<file>', 'a .pt2 model, or a model that octavo quantize wrote')
    .action((file: string, _: unknown, self: Command) => inspect(file, self.optsWithGlobals()));
}

async function inspect(file: string, options: GlobalOptions): Promise<void> {
  const description = await describers[await fileKind(file)](file);
  const { size } = await stat(file);
  printResult(options, { file, size, ...description }, () => {
    const { format, version, writer, programs } = description;
    const head = `${file}: ${format}\n${version}, written by ${writer}, ${formatBytes(size)}`;
    return [head, ...programs.map((program) => formatProgram(program, programs.length > 1))].join('\n\n');
  });
}

function formatProgram(program: ProgramDescription, isNamed: boolean): string {
  const { name, inputs, outputs, operators, weights, remarks } = program;
  const value = (role: string, { name, dtype, shape }: ValueDescription) =>
    `${role.padEnd(8)}${name}  ${dtype}[${shape.join(', ')}]`;
  const count = ({ target, count }: OperatorCount) => `${target} (${count})`;
  const missing = operators.filter(({ isSupported }) => !isSupported);
  const facts = [
    ...(isNamed ? [`model '${name}'`] : []),
    ...inputs.map((input) => value('input', input)),
    ...outputs.map((output) => value('output', output)),
    ...weights.map(({ dtype, tensors, bytes }) => `weights ${tensors} of ${dtype}, ${formatBytes(bytes)}`),
    ...remarks,
    ...(missing.length > 0 ? [`operators that are not supported: ${missing.map(count).join(', ')}`] : []),
  ];
  const rows = operators.map(({ target, count }) => [target, String(count)]);
  return `${facts.join('\n')}\n\n${formatTable([['operator', 'calls'], ...rows])}`;
}
