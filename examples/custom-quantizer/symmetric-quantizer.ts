/**
 * A quantizer of one's own, in the manner of PyTorch's XNNPACKQuantizer with its symmetric configuration: int8
 * activations, symmetric int8 weights with one scale an output channel, outputs quantized too, so that the backend reads
 * and writes nothing but 8-bit integers.
 *
 * `npx tsx examples/custom-quantizer/main.ts` quantizes a network with it; docs/how-to-write-a-quantizer.md explains each
 * step.
 */
import {
  capturePattern,
  type GraphModule,
  HistogramObserver,
  isCall,
  type NamedPattern,
  Node,
  operators,
  PerChannelMinMaxObserver,
  QuantizationAnnotation,
  QuantizationSpec,
  type QuantizationSpecBase,
  Quantizer,
  SharedQuantizationSpec,
  SubgraphMatcherWithNameNodeMap,
} from 'octavo';
import { functional as F } from 'octavo/nn';

const activation = new QuantizationSpec({
  dtype: 'int8',
  quantMin: -128,
  quantMax: 127,
  qscheme: 'per_tensor_affine',
  observerOrFakeQuantCtr: HistogramObserver.withArgs({ eps: 2 ** -12 }),
});
const weight = new QuantizationSpec({
  dtype: 'int8',
  quantMin: -127,
  quantMax: 127,
  qscheme: 'per_channel_symmetric',
  chAxis: 0,
  observerOrFakeQuantCtr: PerChannelMinMaxObserver.withArgs({ eps: 2 ** -12 }),
});

const matrix = { dtype: 'float32', shape: [4, 4] } as const;
const image = { dtype: 'float32', shape: [1, 4, 4, 4] } as const;

/** What the backend computes in one kernel: the operator that takes the inputs, and the one that gives the output. */
const patterns: readonly NamedPattern[] = [
  capturePattern((x, w) => withRelu(F.linear(x, w)), { x: matrix, w: matrix }),
  capturePattern((x, w) => alone(F.linear(x, w)), { x: matrix, w: matrix }),
  capturePattern((x, w) => withRelu(F.conv2d(x, w)), { x: image, w: image }),
  capturePattern((x, w) => alone(F.conv2d(x, w)), { x: image, w: image }),
  capturePattern((x, y) => withRelu(F.add(x, y)), { x: image, y: image }),
  capturePattern((x, y) => alone(F.add(x, y)), { x: image, y: image }),
];

function withRelu(first: ReturnType<typeof F.relu>) {
  const last = F.relu(first);
  return [last, { first, last }] as const;
}

function alone(first: ReturnType<typeof F.relu>) {
  return [first, { first, last: first }] as const;
}

/** Give integers when they take integers: their output has the parameters of their input. */
const sharing = [
  'aten.max_pool2d.default',
  'aten.adaptive_avg_pool2d.default',
  'aten.flatten.using_ints',
  'aten.view.default',
];

export class SymmetricQuantizer extends Quantizer {
  override annotate(module: GraphModule): void {
    // Longer patterns come first; a node that has been annotated is not looked at again.
    for (const pattern of patterns) {
      // Literals are strides and paddings: any will do.
      const matcher = new SubgraphMatcherWithNameNodeMap(pattern, operators, { ignoreLiterals: true });
      for (const { nameNodeMap } of matcher.match(module.graph))
        annotate(nameNodeMap.get('first')!, nameNodeMap.get('last')!);
    }
    for (const node of module.graph.nodes) if (isCall(node, ...sharing)) share(node);
  }
}

function annotate(first: Node, last: Node): void {
  if ([first, last].some((node) => node.meta.quantizationAnnotation?.annotated)) return;
  const [input, other] = first.args;
  if (!(input instanceof Node && other instanceof Node)) return;
  const otherSpec = isCall(first, 'aten.add.Tensor') ? activation : weight;
  const inputQspecMap: [Node, QuantizationSpecBase][] = [
    [input, activation],
    [other, otherSpec],
  ];
  const inOne = first === last;
  // Between the two nothing is stored, so nothing is quantized.
  first.meta.quantizationAnnotation = new QuantizationAnnotation({
    inputQspecMap,
    outputQspec: inOne ? activation : null,
    annotated: true,
  });
  if (!inOne)
    last.meta.quantizationAnnotation = new QuantizationAnnotation({
      outputQspec: activation,
      annotated: true,
    });
}

function share(node: Node): void {
  const input = node.args[0] as Node;
  if (!input.meta.quantizationAnnotation?.outputQspec) return;
  const shared = new SharedQuantizationSpec(input);
  node.meta.quantizationAnnotation = new QuantizationAnnotation({
    inputQspecMap: [[input, shared]],
    outputQspec: shared,
    annotated: true,
  });
}
