import { withCode } from '../../error-code.ts';
import {
  bindInputs,
  bindShapes,
  type ModelInputs,
  type ModelShapes,
  type SymbolRange,
  type TensorInfo,
} from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import type { Shapes } from '../planner.ts';

/** What a model takes. */
interface Signature {
  readonly inputs: readonly TensorInfo[];
  readonly rangeConstraints: ReadonlyMap<string, SymbolRange>;
}

/** The tensors of a request in the model's order, checked. */
export const boundInputs = ({ inputs, rangeConstraints }: Signature, given: ModelInputs): Tensor[] =>
  withCode('ERR_OCTAVO_INVALID_INPUT', () => bindInputs(inputs, given, rangeConstraints));

/** The shapes of a request in the model's order, checked. */
export const boundShapes = ({ inputs, rangeConstraints }: Signature, given: ModelShapes): Shapes =>
  withCode('ERR_OCTAVO_INVALID_INPUT', () => bindShapes(inputs, given, rangeConstraints));
