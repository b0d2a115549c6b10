import type { Argument, Arguments, Node } from '../../graph/index.ts';
import { div, once, reshape, sumLike } from './arithmetic.ts';
import { all, axisOf, type Movement, moved } from './moved.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';

const zerosLike = (g: GradientBuilder, like: Node): Node => g.call('aten.zeros_like.default', like);

/** Zeros to which the rows that were read add their gradients. */
export const addedAt = (g: GradientBuilder, like: Node, axis: number, index: Node, grad: Node): Node =>
  g.call('aten.index_add.default', zerosLike(g, like), axis, index, grad);

export const numelOf = (g: GradientBuilder, node: Node): number => g.shape(node).reduce((a, b) => a * b, 1);

const gathered = (call: DifferentiatedCall, g: GradientBuilder, grad = call.grad): Node =>
  g.call('aten.gather.default', grad, axisOf(call, g), call.args.tensor('index'));

/** Elements that were chosen along an axis; the other axes of both may have been broadcast. */
const takenAlong: GradientRule = moved((call, g) => {
  const [axis, index] = [axisOf(call, g), call.args.tensor('indices')];
  const shape = g.shape(call.grad);
  const wide = g.call('aten.expand.default', index, shape);
  const zeros = g.call(
    'aten.expand.default',
    zerosLike(g, call.self),
    shape.with(axis, g.shape(call.self)[axis]),
  );
  return sumLike(g, g.call('aten.scatter_add.default', zeros, axis, wide, call.grad), call.self);
});

const listOf = ({ args }: DifferentiatedCall): Argument => args.raw('indices') as Argument;

const chosen: GradientRule = moved((call, g) =>
  g.call('aten.index_put.default', zerosLike(g, call.self), listOf(call), call.grad, true),
);

const put: GradientRule = (call, g) => {
  const { args, grad } = call;
  return {
    self: () => {
      if (args.bool('accumulate')) return grad;
      return g.call('aten.index_put.default', grad, listOf(call), zerosLike(g, args.tensor('values')), false);
    },
    values: () => sumLike(g, g.call('aten.index.Tensor', grad, listOf(call)), args.tensor('values')),
  };
};

const rowsOf = (call: DifferentiatedCall, g: GradientBuilder): Node =>
  g.call('aten.index_select.default', call.grad, axisOf(call, g), call.args.tensor('index'));

const withoutRows = (call: DifferentiatedCall, g: GradientBuilder): Node =>
  g.call('aten.index_fill.int_Scalar', call.grad, axisOf(call, g), call.args.tensor('index'), 0);

const withoutElements = (call: DifferentiatedCall, g: GradientBuilder, grad = call.grad): Node =>
  g.call('aten.scatter.value', grad, axisOf(call, g), call.args.tensor('index'), 0);

/** @throws Error where the source has elements beyond the index. */
function source({ args }: DifferentiatedCall, g: GradientBuilder, gradient: () => Node): () => Node {
  return () => {
    const [src, index] = [args.tensor('src'), args.tensor('index')].map((node) => g.shape(node));
    if (String(src) !== String(index))
      throw new Error(
        `the source [${src.join(', ')}] must have the shape of the index [${index.join(', ')}]`,
      );
    return gradient();
  };
}

/** Sums and means of the elements at a place; products and extrema have no rule. */
const scatterReduced: GradientRule = (call, g) => {
  const { args } = call;
  const [reduce, includesSelf] = [args.string('reduce'), args.bool('include_self')];
  if (reduce !== 'sum' && reduce !== 'mean')
    throw new Error(`there is no gradient of reduce='${reduce}', only of 'sum' and 'mean'`);
  const share = once(() => {
    if (reduce === 'sum') return call.grad;
    const like = includesSelf ? 'aten.ones_like.default' : 'aten.zeros_like.default';
    const ones = g.call('aten.ones_like.default', args.tensor('src'));
    const counts = g.call(
      'aten.scatter_add.default',
      g.call(like, call.grad),
      axisOf(call, g),
      args.tensor('index'),
      ones,
    );
    return div(g, call.grad, g.call('aten.clamp_min.default', counts, 1));
  });
  return {
    self: () => (includesSelf ? share() : withoutElements(call, g, share())),
    src: source(call, g, () => gathered(call, g, share())),
  };
};

/** Zeros where a part was replaced, and that part. */
const partReplaced =
  (
    part: (call: Movement, g: GradientBuilder) => Node,
    write: string,
    place: readonly string[],
  ): GradientRule =>
  (call, g) => {
    const { args, grad } = call;
    const src = args.tensor('src');
    const at = place.map((name) => args.raw(name) as Argument);
    return {
      self: () => g.call(write, grad, zerosLike(g, src), ...at),
      src: () => sumLike(g, part({ ...call, self: args.tensor('self') }, g), src),
    };
  };

/**
 * The gradient of an operator that only picks elements: it picks positions in the same way, to which the gradients are added.
 */
const picked: GradientRule = moved(({ self, grad, args, result }, g) => {
  const shape = g.shape(self);
  const count = numelOf(g, self);
  const positions = reshape(g, g.call('aten.arange.default', count), shape);
  const rest = args.schema.arguments.slice(1).map(({ name }) => args.raw(name) as Argument);
  const index = reshape(g, g.call(result.target, positions, ...rest), [numelOf(g, grad)]);
  const zeros = reshape(g, zerosLike(g, self), [count]);
  const flat = reshape(g, grad, [numelOf(g, grad)]);
  return reshape(g, g.call('aten.index_add.default', zeros, 0, index, flat), shape);
});

const lists = (args: Arguments<Node>, ...names: readonly string[]): number[][] =>
  names.map((name) => [...args.numbers(name)]);

/** Gradients of operators that read and write elements at places that other tensors hold, or along other lines. */
export const indexingGradients: GradientRules = {
  ...all(
    ['index_select'],
    moved((call, g) => addedAt(g, call.self, axisOf(call, g), call.args.tensor('index'), call.grad)),
  ),
  ...all(
    ['gather'],
    moved((call, g) => {
      const index = call.args.tensor('index');
      return g.call('aten.scatter_add.default', zerosLike(g, call.self), axisOf(call, g), index, call.grad);
    }),
  ),
  ...all(['take_along_dim'], takenAlong),
  ...all(['index.Tensor', '_unsafe_index.Tensor'], chosen),
  ...all(['index_put', '_unsafe_index_put'], put),
  ...all(['index_add'], (call, g) => ({
    self: () => call.grad,
    source: () => sumLike(g, rowsOf(call, g), call.args.tensor('source')),
  })),
  ...all(['index_copy'], (call, g) => ({
    self: () => withoutRows(call, g),
    source: () => sumLike(g, rowsOf(call, g), call.args.tensor('source')),
  })),
  ...all(['index_fill.int_Scalar', 'index_fill.int_Tensor'], (call, g) => ({
    self: () => withoutRows(call, g),
    value: () => sumLike(g, rowsOf(call, g), call.args.tensor('value')),
  })),
  ...all(['scatter.src'], (call, g) => ({
    self: () => withoutElements(call, g),
    src: source(call, g, () => gathered(call, g)),
  })),
  ...all(
    ['scatter.value'],
    moved((call, g) => withoutElements(call, g)),
  ),
  ...all(['scatter_add'], (call, g) => ({
    self: () => call.grad,
    src: source(call, g, () => gathered(call, g)),
  })),
  ...all(['scatter_reduce.two'], scatterReduced),
  ...all(
    ['slice_scatter'],
    partReplaced(
      ({ args, grad }, g) =>
        g.call(
          'aten.slice.Tensor',
          grad,
          ...['dim', 'start', 'end', 'step'].map((name) => args.raw(name) as Argument),
        ),
      'aten.slice_scatter.default',
      ['dim', 'start', 'end', 'step'],
    ),
  ),
  ...all(
    ['select_scatter'],
    partReplaced(
      ({ args, grad }, g) => g.call('aten.select.int', grad, args.number('dim'), args.number('index')),
      'aten.select_scatter.default',
      ['dim', 'index'],
    ),
  ),
  ...all(['as_strided', 'diagonal', 'unfold'], picked),
  // Windows overlap: folding adds them up.
  'octavo.windows.default': moved(({ self, grad, args }, g) => {
    const [dilation, stride] = lists(args, 'dilation', 'stride');
    return g.call('octavo.fold_windows.default', grad, g.shape(self).slice(2), dilation, [0, 0], stride);
  }),
  'octavo.fold_windows.default': moved(({ self, grad, args }, g) => {
    const [dilation, [top, left], stride] = lists(args, 'dilation', 'padding', 'stride');
    const padded = g.call('aten.constant_pad_nd.default', grad, [left, left, top, top], 0);
    return g.call('octavo.windows.default', padded, g.shape(self).slice(2, 4), dilation, stride);
  }),
};
