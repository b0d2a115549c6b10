import { readFileSync } from 'node:fs';
import type { Exporter, Quantization } from './run-case.ts';

/** What is to come of one case: `.pt2` files of both PyTorchs, of some also ONNX, inputs, and PyTorch's own float results. */
export interface Case extends Expectations {
  readonly quantization: Quantization;
  /** Classes of modules that are quantized although the recipe finds no layers in them. */
  readonly moduleTypes?: readonly string[];
  readonly special: string;
  /** What is otherwise for one of the files. */
  readonly exporters?: Readonly<Partial<Record<Exporter, Expectations>>>;
}

/** What is to come of a case. */
export interface Expectations {
  /**
   * Decibels that PyTorch 2.6's own recipe reaches (`X86InductorQuantizer`, the converted model run in eager mode, Debian's
   * build), for the example inputs and further ones.
   */
  readonly pytorch?: Readonly<Record<string, number>>;
  /** Decibels to be reached instead, where PyTorch is no measure. */
  readonly atLeast?: number;
  /** The largest relative error of float results, where it is not the usual one. */
  readonly relative?: number;
  /** Why there is an `atLeast`, a `relative` or an `anyNumbers`. */
  readonly because?: string;
  /** Stages that end in an Error, each with what it says. */
  readonly refused?: Readonly<Record<string, string>>;
  /** Stages whose numbers may be any. */
  readonly anyNumbers?: readonly string[];
  /** Not so yet: what is wrong. */
  readonly knownToFail?: string;
}

export const casesFolder = 'test/fixtures/cases';

export function readCases(folder = casesFolder): Readonly<Record<string, Case>> {
  return JSON.parse(readFileSync(`${folder}/index.json`, 'utf8'));
}
