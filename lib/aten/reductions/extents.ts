import type { Arguments, Dim } from '../../graph/index.ts';
import { normalizeAxes } from '../shape-rules.ts';

/** The extents that a call reduces. */
export interface Extents {
  readonly axes: readonly number[];
  readonly keepdim: boolean;
}

/** Any argument that stands for a tensor. */
type Shaped = { readonly shape: readonly unknown[] };

/** The extents that a call reduces: those it names as `dim`, one or several, or all. */
export function reducedExtents(args: Arguments<Shaped>): Extents {
  const rank = args.tensor('self').shape.length;
  const has = (name: string) => args.schema.arguments.some((argument) => argument.name === name);
  const axes = !has('dim') || args.isNone('dim') ? null : dimensions(args);
  return {
    axes: normalizeAxes(axes, rank, args.schema.name),
    keepdim: has('keepdim') && args.bool('keepdim'),
  };
}

const dimensions = (args: Arguments<Shaped>): readonly number[] =>
  Array.isArray(args.raw('dim')) ? args.numbers('dim') : [args.number('dim')];

/** The shape that is left. */
export function reducedShape(shape: readonly Dim[], { axes, keepdim }: Extents): readonly Dim[] {
  return keepdim
    ? shape.map((extent, i) => (axes.includes(i) ? 1 : extent))
    : shape.filter((_, i) => !axes.includes(i));
}

/** A batch can be reduced in parts where its samples are not reduced themselves. */
export const samplesKept = (args: Arguments<Shaped>): readonly string[] =>
  reducedExtents(args).axes.includes(0) || args.tensor('self').shape.length === 0 ? [] : ['self'];

/** The native steps along lanes accept no axis for a tensor without dimensions. */
export const laneAxes = ({ axes }: Extents, rank: number): readonly number[] => (rank === 0 ? [] : axes);
