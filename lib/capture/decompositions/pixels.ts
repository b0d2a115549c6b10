import type { Argument, Arguments, Node } from '../../graph/index.ts';
import {
  type Add,
  type Call,
  type Decompose,
  type DecompositionDefinition,
  rankOf,
} from './decomposition.ts';

const self = (args: Arguments<Node>): Node => args.tensor('self');
const rankOfSelf = (args: Arguments<Node>): number => rankOf(self(args), args.schema.name);

/** The axes of a tensor, the last of them in another order, counted from the end. */
const lastAxes = (rank: number, order: readonly number[]): number[] => [
  ...Array(rank - order.length).keys(),
  ...order.map((axis) => rank + axis),
];

/** Channels go to the pixels of a larger image, as blocks of that many each way. */
const pixelShuffle: Decompose = (add, args) => {
  const factor = args.number('upscale_factor');
  const blocks = add('aten.unflatten.int', self(args), -3, [-1, factor, factor]);
  const rows = add('aten.permute.default', blocks, lastAxes(rankOfSelf(args) + 2, [-5, -2, -4, -1, -3]));
  return ['aten.flatten.using_ints', add('aten.flatten.using_ints', rows, -2, -1), -3, -2];
};

/** Blocks of pixels go to channels. */
const pixelUnshuffle: Decompose = (add, args) => {
  const factor = args.number('downscale_factor');
  const columns = add('aten.unflatten.int', self(args), -1, [-1, factor]);
  const blocks = add('aten.unflatten.int', columns, -3, [-1, factor]);
  const order = lastAxes(rankOfSelf(args) + 2, [-5, -3, -1, -4, -2]);
  return ['aten.flatten.using_ints', add('aten.permute.default', blocks, order), -5, -3];
};

const channelShuffle: Decompose = (add, args) => {
  const groups = add('aten.unflatten.int', self(args), 1, [args.raw('groups') as Argument, -1]);
  return ['aten.flatten.using_ints', add('aten.transpose.int', groups, 1, 2), 1, 2];
};

/** Runs a decomposition of a batch on a sample alone. */
function batched(rank: number, decompose: (add: Add, batch: Node, args: Arguments<Node>) => Call): Decompose {
  return (add, args) => {
    if (rankOfSelf(args) === rank) return decompose(add, self(args), args);
    const call = decompose(add, add('aten.unsqueeze.default', self(args), 0), args);
    return ['aten.squeeze.dim', add(...call), 0];
  };
}

/** Windows of an image as columns (`torch.nn.functional.unfold`). */
const im2col = batched(4, (add, images, args) => {
  const [kernel, dilation, padding, stride] = windowArguments(args);
  const padded = padding.every((amount) => amount === 0)
    ? images
    : add('aten.constant_pad_nd.default', images, [padding[1], padding[1], padding[0], padding[0]], 0);
  const windows = add('octavo.windows.default', padded, kernel, dilation, stride);
  return ['aten.flatten.using_ints', add('aten.flatten.using_ints', windows, 1, 3), 2, 3];
});

/** Columns added up where they were windows of an image (`torch.nn.functional.fold`). */
const col2im = batched(3, (add, columns, args) => {
  const [kernel, dilation, padding, stride] = windowArguments(args);
  const size = args.numbers('output_size');
  const counts = size.map(
    (extent, i) => Math.floor((extent + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1,
  );
  const windows = add('aten.unflatten.int', columns, 1, [-1, ...kernel]);
  const placed = add('aten.unflatten.int', windows, -1, counts);
  return ['octavo.fold_windows.default', placed, size, dilation, padding, stride];
});

const windowArguments = (args: Arguments<Node>) =>
  ['kernel_size', 'dilation', 'padding', 'stride'].map((name) => args.numbers(name));

const windowSchema = 'int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride';

/** Operators that move pixels to channels, to columns, and back, as others. */
export const pixelDecompositions: readonly DecompositionDefinition[] = [
  { schema: 'aten::pixel_shuffle(Tensor self, int upscale_factor) -> Tensor', decompose: pixelShuffle },
  { schema: 'aten::pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor', decompose: pixelUnshuffle },
  ...['channel_shuffle', 'native_channel_shuffle'].map((name) => ({
    schema: `aten::${name}(Tensor self, SymInt groups) -> Tensor`,
    decompose: channelShuffle,
  })),
  { schema: `aten::im2col(Tensor self, ${windowSchema}) -> Tensor`, decompose: im2col },
  {
    schema: `aten::col2im(Tensor self, SymInt[2] output_size, ${windowSchema}) -> Tensor`,
    decompose: col2im,
  },
];
