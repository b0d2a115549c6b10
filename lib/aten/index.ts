import { activations } from './activation.ts';
import { convolutions } from './convolution.ts';
import { linears } from './linear.ts';
import { mkldnn } from './mkldnn.ts';
import { onednn } from './onednn.ts';
import { OperatorRegistry } from './registry.ts';

/** Every operator Octavo knows. */
export const operators = new OperatorRegistry(activations, convolutions, linears, mkldnn, onednn);

export {
  AtenOperator,
  type OperatorDefinition,
  OperatorRegistry,
  type Step,
  type StridedLike,
  type StridedView,
  type TensorLike,
} from './registry.ts';
