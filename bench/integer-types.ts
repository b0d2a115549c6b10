import { type Argument, type GraphModule, Node, Tensor } from '../lib/index.ts';

/** Element types of a quantized network: those of its activations and of its weights. */
export interface IntegerTypes {
  readonly activation: 'uint8' | 'int8';
  readonly weight: 'uint8' | 'int8';
}

/** `u8s8`: activations, then weights. */
export const nameOf = ({ activation, weight }: IntegerTypes): string =>
  [activation, weight].map((dtype) => (dtype === 'uint8' ? 'u8' : 's8')).join('');

/** The offset between the two ways to write the same 8-bit integers. */
const offset = 128;

const perTensor = /^quantized_decomposed\.(de)?quantize_per_tensor\.default$/;
const dequantizeWeight = 'quantized_decomposed.dequantize_per_channel.default';

/**
 * The same quantized network, number for number, on other element types: integers and zero points move by 128, which
 * changes no value they stand for.
 * @param module from `convertPt2e`, with uint8 activations and int8 weights with a scale a channel.
 */
export function withIntegerTypes(module: GraphModule, { activation, weight }: IntegerTypes): GraphModule {
  const result = module.clone();
  for (const node of result.graph.nodes) {
    if (activation === 'int8' && perTensor.test(node.target) && node.args[5] === 'uint8') {
      const [x, scale, zeroPoint, quantMin, quantMax] = node.args;
      const moved = [zeroPoint, quantMin, quantMax].map((value) => (value as number) - offset);
      node.setArguments([x, scale, ...moved, 'int8']);
    }
    if (weight === 'uint8' && node.target === dequantizeWeight && node.args[6] === 'int8')
      node.setArguments(unsignedWeight(result, node.args));
  }
  return result;
}

function unsignedWeight(module: GraphModule, args: readonly Argument[]): Argument[] {
  const [weight, scales, zeroPoints, axis, quantMin, quantMax] = args;
  const integers = Uint8Array.from(constant(module, weight).data as Int8Array, (value) => value + offset);
  const zeros = constant(module, zeroPoints).toArray();
  module.attributes.set(
    (weight as Node).target,
    new Tensor('uint8', integers, constant(module, weight).shape),
  );
  module.attributes.set(
    (zeroPoints as Node).target,
    Tensor.from(
      'int64',
      zeros.map((value) => value + offset),
    ),
  );
  const bounds = [quantMin, quantMax].map((value) => (value as number) + offset);
  return [weight, scales, zeroPoints, axis, ...bounds, 'uint8'];
}

function constant(module: GraphModule, node: Argument): Tensor {
  if (!(node instanceof Node) || node.op !== 'get_attr')
    throw new Error(`a weight or its zero point is computed: ${String(node)}`);
  return module.attribute(node.target);
}
