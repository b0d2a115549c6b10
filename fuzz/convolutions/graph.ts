import { type Argument, Graph, GraphModule, Tensor } from '../../lib/index.ts';
import type { LayerProblem } from './problem.ts';
import type { LayerTensors } from './tensors.ts';

/** A graph of the problem's one layer. Its inputs are `x` and, where there is one, `addend`. */
export function graphOf(problem: LayerProblem, tensors: LayerTensors): GraphModule {
  const graph = new Graph();
  const attributes: [string, Tensor][] = [];
  const attribute = (name: string, tensor: Tensor) => {
    attributes.push([name, tensor]);
    return graph.getAttr(name);
  };
  const input = (name: string, { dtype, shape }: Tensor) => {
    const node = graph.placeholder(name);
    node.meta.val = { dtype, shape };
    return node;
  };
  const isInteger = problem.variant === 'int8';
  const { scales } = tensors;
  const operands: Operands = {
    x: input('x', tensors.x),
    addend: tensors.addend ? [input('addend', tensors.addend)] : [],
    weight: attribute('weight', tensors.weight),
    bias: tensors.bias ? attribute('bias', tensors.bias) : null,
    qparams: isInteger
      ? [attribute('scales', scales), attribute('zero_points', Tensor.zeros('int64', scales.shape))]
      : [],
  };
  const call = (isInteger ? integerCall : floatCall)(problem, operands);
  graph.output([graph.callFunction(call.target, call.args)]);
  return new GraphModule(graph, attributes);
}

/** What the layer is called with; lists may be empty. */
interface Operands {
  readonly x: Argument;
  readonly addend: readonly Argument[];
  readonly weight: Argument;
  readonly bias: Argument;
  readonly qparams: readonly Argument[];
}

interface Call {
  readonly target: string;
  readonly args: readonly Argument[];
}

/** `onednn.qlinear_pointwise`, `qconv1d_pointwise` or `qconv2d_pointwise`. */
function integerCall(problem: LayerProblem, { x, addend, weight, bias, qparams }: Operands): Call {
  const { layer, y } = problem;
  const name = { linear: 'qlinear', convolution1d: 'qconv1d', convolution2d: 'qconv2d' }[layer.operator];
  const added = problem.addend ? [problem.addend.scale, problem.addend.zeroPoint, 'sum', 1] : [];
  const { stride, padding, dilation, groups } = geometryOf(problem);
  return {
    target: `onednn.${name}_pointwise.${problem.addend ? 'binary' : 'default'}`,
    args: [
      ...[x, problem.x.scale, problem.x.zeroPoint, weight, ...qparams, ...addend, bias],
      ...(layer.operator === 'linear' ? [] : [stride, padding, dilation, groups]),
      ...[y.scale, y.zeroPoint, y.dtype, ...added, ...unaryArguments(problem)],
    ],
  };
}

/** `mkldnn._linear_pointwise` or `_convolution_pointwise`. */
function floatCall(problem: LayerProblem, { x, addend, weight, bias }: Operands): Call {
  const { stride, padding, dilation, groups } = geometryOf(problem);
  const isLinear = problem.layer.operator === 'linear';
  // A linear layer with an addend has no function, a convolution's addition has a factor.
  const added = !problem.addend ? [] : isLinear ? ['add'] : ['add', null];
  const unary = problem.addend && isLinear ? [] : unaryArguments(problem);
  return {
    target: `mkldnn._${isLinear ? 'linear' : 'convolution'}_pointwise.${problem.addend ? 'binary' : 'default'}`,
    args: [
      x,
      ...addend,
      weight,
      bias,
      ...(isLinear ? [] : [padding, stride, dilation, groups]),
      ...added,
      ...unary,
    ],
  };
}

function geometryOf({ layer: { operator, stride, padding, dilation, groups } }: LayerProblem) {
  const pixels = (pair: readonly number[]) => (operator === 'convolution1d' ? pair.slice(1) : pair);
  return { stride: pixels(stride), padding: pixels(padding), dilation: pixels(dilation), groups };
}

function unaryArguments({ unary: { name, scalars } }: LayerProblem): Argument[] {
  return [name, scalars, name === 'gelu' ? 'none' : ''];
}
