import type { Node } from './node.ts';

/**
 * The line of the model that an exported node came from, to be put after an error's message; empty where it is unknown.
 * Of the frames in `meta.stackTrace`, as Python prints them, the innermost is the last. Frames of PyTorch's own modules,
 * which later versions list as well, are passed over as far as there are others.
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
