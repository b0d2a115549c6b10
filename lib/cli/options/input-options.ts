import { type Command, InvalidArgumentError } from 'commander';
import type { InputShape, LoadGraphOptions } from '../../capture/index.ts';
import { positiveInteger } from '../option-parsers.ts';

/** Options of commands that read a model's graph: which one of a `.pt2` file, and what is decided about the inputs of a `.onnx` file. */
export interface InputFlags {
  readonly model?: string;
  readonly bind?: Readonly<Record<string, number>>;
  readonly shape?: Readonly<Record<string, InputShape>>;
}

/** Adds `--model`. */
export function addModelOption(command: Command): Command {
  return command.option('--model <name>', 'of a .pt2 file that holds several models: this one');
}

/** Adds `--model`, and `--bind` and `--shape`, which can be given once for each input. */
export function addInputOptions(command: Command): Command {
  return addModelOption(command)
    .option('--bind <input=number>', 'of a .onnx file: an input that is always this number', collect(number))
    .option(
      '--shape <input=sizes>',
      'of a .onnx file: the shape of an input whose sizes it leaves open, such as image=1,3,224,224',
      collect(sizes),
    );
}

/** What the reader is to be told. */
export function inputOptionsOf({ model, bind, shape }: InputFlags): LoadGraphOptions {
  return { ...(model !== undefined && { model }), ...(bind && { bind }), ...(shape && { shapes: shape }) };
}

/** `name=value`, one after the other. Names may hold any character, so the last `=` divides. */
function collect<T>(parse: (text: string) => T) {
  return (text: string, before: Readonly<Record<string, T>> = {}): Record<string, T> => {
    const at = text.lastIndexOf('=');
    if (at < 1) throw new InvalidArgumentError("It must be the input's name, =, and the value.");
    return { ...before, [text.slice(0, at)]: parse(text.slice(at + 1)) };
  };
}

/** Sizes, or names of sizes that requests choose: `batch,3,224,224`. */
const sizes = (text: string): InputShape =>
  text.split(',').map((size) => (/^[A-Za-z]\w*$/.test(size) ? size : positiveInteger(size)));

function number(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('It must be a number after the =.');
  return value;
}
