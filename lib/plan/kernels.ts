import type { Program } from './instructions.ts';

/** The implementation that is to compute a node's step, if it is known; used if oneDNN has it. */
export type KernelOf = (node: string) => string | undefined;

/** Tells convolutions which of several implementations to use. */
export function withKernels(program: Program, kernelOf: KernelOf): Program {
  const instructions = program.instructions.map((instruction) => {
    const kernel = instruction.op === 'convolution' ? kernelOf(instruction.node) : undefined;
    return kernel === undefined
      ? instruction
      : { ...instruction, attributes: { ...instruction.attributes, kernel } };
  });
  return { ...program, instructions };
}
