import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';

/** [N, C, KH, KW, H', W'] and the images' size. */
function inferFolded(args: Arguments<TensorMeta>): TensorMeta {
  const { name } = args.schema;
  const { dtype, shape } = args.tensor('self');
  const size = args.numbers('output_size');
  const [dilation, padding, stride] = ['dilation', 'padding', 'stride'].map((what) => args.numbers(what));
  if (dtype !== 'float32' && dtype !== 'bfloat16')
    throw new Error(`${name}: sums in ${dtype} are not supported; cast to float32`);
  const fits =
    shape.length === 6 &&
    [0, 1].every((i) => {
      const span = dilation[i] * ((shape[2 + i] as number) - 1) + 1;
      return shape[4 + i] === Math.floor((size[i] + 2 * padding[i] - span) / stride[i]) + 1;
    });
  if (!fits)
    throw new Error(
      `${name}: [${shape.join(', ')}] are not the windows [N, C, KH, KW, H', W'] of images of [${size.join(', ')}]`,
    );
  return { dtype, shape: [shape[0], shape[1], ...size] };
}

/** Sums of overlapping windows: the reverse of `octavo::windows` (`torch.nn.functional.fold`). */
export const folding: readonly OperatorDefinition[] = [
  {
    schema:
      'octavo::fold_windows(Tensor self, int[2] output_size, int[2] dilation, int[2] padding, int[2] stride) -> Tensor',
    infer: inferFolded,
    samples: ['self'],
    step: (args) => {
      const numbers = (name: string) => args.numbers(name);
      return {
        op: 'fold_windows',
        inputs: [args.tensor('self')],
        attributes: {
          dilation: numbers('dilation'),
          padding: numbers('padding'),
          stride: numbers('stride'),
        },
      };
    },
  },
];
