import { operators, QUANTIZE_PER_TENSOR } from '../aten/index.ts';
import { Arguments, type Node, tensorMeta } from '../graph/index.ts';
import { integerRange } from '../tensor/index.ts';
import type { QuantizationFacts } from './facts.ts';

/** What the integers stand for that a node gives; undefined where it gives others, or the graph does not say. */
export function quantizationOf(node: Node): QuantizationFacts | undefined {
  if (node.op === 'call_function' && node.target === QUANTIZE_PER_TENSOR) {
    const args = Arguments.bind<Node>(operators.get(node.target).schema, node.args, node.kwargs);
    return describe(
      args.number('scale'),
      args.number('zero_point'),
      args.number('quant_min'),
      args.number('quant_max'),
    );
  }
  const qparams = node.meta.numericDebugHandle?.qparams;
  const meta = tensorMeta(node);
  const range = meta && integerRange(meta.dtype);
  return qparams && range && describe(qparams.scale, qparams.zeroPoint, range.min, range.max);
}

const describe = (scale: number, zeroPoint: number, min: number, max: number): QuantizationFacts => ({
  scale,
  zeroPoint,
  low: (min - zeroPoint) * scale,
  high: (max - zeroPoint) * scale,
});
