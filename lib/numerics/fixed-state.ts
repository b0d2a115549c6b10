import type { StatefulModule } from '../graph/index.ts';
import { Tensor } from '../tensor/index.ts';

const off = Tensor.from('int64', [0]);

/** The state of a fake quantizer that rounds by the range it has: what it is shown does not move it. */
export const fixedState = (module: StatefulModule, shape: readonly number[]): ReadonlyMap<string, Tensor> =>
  new Map(
    [...module.stateFor(shape)].map(([name, value]) => [name, name === 'observer_enabled' ? off : value]),
  );
