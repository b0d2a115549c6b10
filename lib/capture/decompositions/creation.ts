import type { Argument, Arguments, Node } from '../../graph/index.ts';
import { type DecompositionDefinition, metaOf } from './decomposition.ts';

/**
 * Of the tensor only the dtype is read, so that what is made for a known size is a constant: the masks of windows of a
 * Swin transformer are computed when a plan is built, and not for each request.
 */
function made(name: string, target: string, value?: string): DecompositionDefinition {
  return {
    schema:
      `aten::${name}(Tensor self, SymInt[] size, ${value ? `Scalar ${value}, ` : ''}*, ScalarType? dtype=None, ` +
      'Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor',
    applies: (args) =>
      (args.raw('size') as readonly Argument[]).every((extent) => typeof extent === 'number'),
    decompose: (_, args: Arguments<Node>) => [
      target,
      args.raw('size') as Argument,
      ...(value ? [args.raw(value) as Argument] : []),
      args.isNone('dtype') ? metaOf(args.tensor('self'), args.schema.name).dtype : args.dtype('dtype'),
    ],
  };
}

export const creationDecompositions: readonly DecompositionDefinition[] = [
  made('new_zeros', 'aten.zeros.default'),
  made('new_ones', 'aten.ones.default'),
  made('new_empty', 'aten.empty.memory_format'),
  made('new_full', 'aten.full.default', 'fill_value'),
];
