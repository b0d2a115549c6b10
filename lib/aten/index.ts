import { activations } from './activation.ts';
import { OperatorRegistry } from './registry.ts';

/** Every operator Octavo knows. */
export const operators = new OperatorRegistry(activations);

export {
  AtenOperator,
  type OperatorDefinition,
  OperatorRegistry,
  type Step,
  type StridedLike,
  type StridedView,
  type TensorLike,
} from './registry.ts';
