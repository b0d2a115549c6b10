import type { Problem } from '../kind.ts';
import type { Random } from '../random.ts';

/** Formats of files that hold a model. */
export const modelVariants = [
  ...(['octavo', 'packed', 'pt2', 'rooted', 'raw'] as const),
  ...(['onnx', 'dynamic', 'qdq', 'qoperator', 'external'] as const),
];

/** Formats of files that hold data. */
export const dataVariants = ['npz', 'npy', 'safetensors', 'lines'] as const;

export type FileVariant = (typeof modelVariants)[number] | (typeof dataVariants)[number];

/** A damaged file. */
export interface FileProblem extends Problem, Change<Buffer> {
  readonly variant: FileVariant;
}

/** A change to a file's parts. */
export interface Change<T> {
  /** In a few words. */
  readonly what: string;
  readonly value: T;
  /** What the file beside it holds, which it refers to. */
  readonly beside?: Buffer;
}

export type Changer = (random: Random) => Change<Buffer>;
