import type { Node } from './node.ts';

/**
 * The line of the model that an exported node came from, for the end of an error message; empty if unknown.
 * `meta.stackTrace` lists frames as Python prints them: the innermost is the last. Later versions of PyTorch list the
 * frames of their own modules too; these are skipped if there are others.
 */
export function modelLine({ meta: { stackTrace } }: Pick<Node, 'meta'>): string {
  const frames = stackTrace?.trimEnd().split(/\n(?= {2}File )/) ?? [];
  const [place, ...code] =
    (frames.findLast((frame) => !isOfTorch.test(frame)) ?? frames.at(-1))?.split('\n') ?? [];
  if (!place?.trim()) return '';
  return ` (${[place.trim(), ...code.map((line) => line.trim())].join(': ')})`;
}

/** A frame in an installed `torch`. */
const isOfTorch = /^\s*File "[^"]*(site|dist)-packages\/torch\//;
