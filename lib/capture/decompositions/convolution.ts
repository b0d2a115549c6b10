import { type DecompositionDefinition, rankOf } from './decomposition.ts';
import { unbatched } from './unbatched.ts';

const names: readonly string[] = [
  ...[1, 2, 3].flatMap((axes) => [`aten.conv${axes}d.default`, `aten.conv${axes}d.padding`]),
  'aten.conv_transpose1d.default',
  'aten.conv_transpose2d.input',
  'aten.conv_transpose3d.input',
  'aten.convolution.default',
];

/** Convolutions of a signal, an image or a volume alone. */
export const convolutionDecompositions: readonly DecompositionDefinition[] = names.map((name) =>
  unbatched(name, (args) => rankOf(args.tensor('weight'), name) - 2),
);
