import { type GraphModule, SymInt, tensorMeta } from '../graph/index.ts';
import type { Program } from './instructions.ts';

/**
 * Tells products that the model's other plans have other numbers of rows, if its inputs have symbolic sizes. Their
 * weights then keep one layout that all plans share, though oneDNN has a faster one for a single row.
 */
export function withVaryingRows(program: Program, { graph }: GraphModule): Program {
  const varies = graph.placeholders.some((input) =>
    tensorMeta(input)?.shape.some((dim) => dim instanceof SymInt),
  );
  if (!varies) return program;
  const instructions = program.instructions.map((instruction) =>
    instruction.op === 'linear' || instruction.op === 'matmul'
      ? { ...instruction, attributes: { ...instruction.attributes, rowsVary: true } }
      : instruction,
  );
  return { ...program, instructions };
}
