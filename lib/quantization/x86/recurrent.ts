import { constantNodes, type GraphModule, Node } from '../../graph/index.ts';
import { MinMaxObserver, PlaceholderObserver } from '../observers/index.ts';
import { fullRangeOf } from '../quantized-dtype.ts';
import { QuantizationSpec, type QuantizationSpecBase } from '../specs.ts';
import {
  type Assignment,
  excludeFromQuantization,
  mayAnnotate,
  X86QuantizationAnnotation,
} from './annotation.ts';
import { recipeOperator, recurrentOperators } from './operators.ts';

/** What PyTorch's dynamic LSTM and GRU ask of `default_dynamic_qconfig`: 7 bits, so that no CPU's sums saturate. */
const activation = new QuantizationSpec({
  dtype: 'uint8',
  quantMin: 0,
  quantMax: 127,
  qscheme: 'per_tensor_affine',
  isDynamic: true,
  observerOrFakeQuantCtr: PlaceholderObserver,
});
const weight = new QuantizationSpec({
  dtype: 'int8',
  ...fullRangeOf('int8'),
  qscheme: 'per_tensor_symmetric',
  observerOrFakeQuantCtr: MinMaxObserver,
});

/**
 * Annotates input and weights of LSTM and GRU layers, where a dynamic configuration applies, with what
 * `torch.ao.quantization.quantize_dynamic` quantizes them to, whatever else the configuration says: a scale for each weight.
 * States get their scales when the layer runs. Layers stay in float whose state is projected, which PyTorch does not
 * quantize either, and those whose weights are computed.
 */
export function annotateRecurrentLayers(module: GraphModule, { config, filter }: Assignment): void {
  const constants = constantNodes(module.graph);
  for (const node of module.graph.nodes) {
    const operator = recipeOperator(node);
    if (!operator || !recurrentOperators.includes(operator) || !mayAnnotate([node], filter)) continue;
    if (config === null) {
      excludeFromQuantization([node]);
      continue;
    }
    const [input, ofInput, ofState, , , projection] = node.args as readonly Node[];
    const isProjected = operator.name === 'lstm' && projection instanceof Node;
    if (!config.inputActivation?.isDynamic || isProjected || constants.has(input)) continue;
    if (!constants.has(ofInput) || !constants.has(ofState)) continue;
    node.meta.quantizationAnnotation = new X86QuantizationAnnotation({
      inputQspecMap: new Map<Node, QuantizationSpecBase | null>([
        [input, activation],
        [ofInput, weight],
        [ofState, weight],
      ]),
      isOutputOfQuantizedPattern: true,
    });
  }
}
