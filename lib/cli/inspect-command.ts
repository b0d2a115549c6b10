import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import {
  type AccuracyControlRecord,
  accuracyControlOf,
  formatAccuracyControl,
  recordKey,
} from '../accuracy/index.ts';
import { describeOnnx, describePt2 } from '../capture/index.ts';
import type {
  ModelDescription,
  OperatorCount,
  ProgramDescription,
  ValueDescription,
} from '../graph/index.ts';
import { describeArtifact } from '../runtime/describe-artifact.ts';
import { type FileKind, fileKind } from './model-file.ts';
import { addModelOption } from './options/input-options.ts';
import { formatBytes, formatTable, type GlobalOptions, printResult } from './output.ts';

/** What a file is and holds; of a model quantized with accuracy control also what was tried. */
interface FileDescription extends ModelDescription {
  readonly accuracyControl?: AccuracyControlRecord;
}

/** Describes a file of each kind. */
const describers: Readonly<Record<FileKind, (path: string) => Promise<FileDescription>>> = {
  pt2: describePt2,
  onnx: describeOnnx,
  artifact: describeSaved,
};

async function describeSaved(path: string): Promise<FileDescription> {
  const { metadata, ...description } = await describeArtifact(path, [recordKey]);
  const record = accuracyControlOf(metadata);
  return record ? { ...description, accuracyControl: record } : description;
}

/** `octavo inspect FILE`: what a model file is and holds, without its weights being read. */
export function inspectCommand(): Command {
  const command = new Command('inspect');
  return addModelOption(command)
    .description('show what a model file is: format, writer, inputs, outputs, operators, what is missing')
    .argument('<file>', 'a .pt2 or .onnx model, or a model that octavo quantize wrote')
    .action((file: string, _: unknown, self: Command) => inspect(file, self.optsWithGlobals()));
}

interface InspectOptions extends GlobalOptions {
  readonly model?: string;
}

async function inspect(file: string, options: InspectOptions): Promise<void> {
  const kind = await fileKind(file);
  if (options.model !== undefined && kind !== 'pt2')
    throw new Error(`${file}: --model is for .pt2 files, which may hold several; there is one here`);
  const description = chosen(await describers[kind](file), options.model, file);
  const { size } = await stat(file);
  printResult(options, { file, size, ...description }, () => {
    const { format, version, writer, programs, accuracyControl } = description;
    const head = `${file}: ${format}\n${version}, written by ${writer}, ${formatBytes(size)}`;
    const tried = accuracyControl ? [`accuracy control\n${formatAccuracyControl(accuracyControl)}`] : [];
    const texts = programs.map((program) => formatProgram(program, programs.length > 1));
    return [head, ...texts, ...tried].join('\n\n');
  });
}

/** The description with one of its programs alone, if a name chooses it. */
function chosen(description: FileDescription, model: string | undefined, file: string): FileDescription {
  if (model === undefined) return description;
  const programs = description.programs.filter(({ name }) => name === model);
  if (programs.length > 0) return { ...description, programs };
  const names = description.programs.map(({ name }) => `'${name}'`);
  throw new Error(`${file}: there is no model '${model}', but ${names.join(', ')}`);
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
