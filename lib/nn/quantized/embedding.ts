import { roundHalfToEven, Tensor } from '../../tensor/index.ts';
import type { Value } from '../dispatcher.ts';
import { embedding } from '../functional/index.ts';
import type * as float from '../linear.ts';
import type { ActivationPostProcess } from '../module.ts';
import { type Owner, type QuantizedWeight, weightObserver } from './from-float.ts';
import { WeightedModule } from './layer.ts';

/**
 * Rows of a table of uint8, by index, as real numbers (counterpart: `torch.ao.nn.quantized.Embedding`). Each row has a scale and a zero
 * point, which is a real number as well.
 */
export class Embedding extends WeightedModule {
  /** @throws Error unless the `qconfig` is `floatQparamsWeightOnlyQconfig`, or has another observer of that kind for weights. */
  static fromFloat(module: float.Embedding & Owner): Embedding {
    return new Embedding(quantizedTable(module.weight.tensor, weightObserver(module), module.type), null);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.embedding_ops.Embedding';
  }

  forward(indices: Value): Value {
    return embedding(indices, this.realWeight);
  }
}

/** Rounds with the zero points in, which are no integers here. */
function quantizedTable(table: Tensor, observer: ActivationPostProcess, type: string): QuantizedWeight {
  const { dtype, qscheme, quantMin = 0, quantMax = 255 } = observer;
  if (dtype !== 'uint8' || qscheme !== 'per_channel_affine_float_qparams')
    throw new Error(
      `${type}: tables are quantized to uint8 by per_channel_affine_float_qparams (floatQparamsWeightOnlyQconfig), not to ${dtype} ` +
        `by ${qscheme}; qconfig = null leaves it in floating point`,
    );
  observer.forward(table);
  const { scale, zeroPoint } = observer.calculateQparams();
  const [rows, width] = table.shape;
  const integers = new Uint8Array(rows * width);
  for (let i = 0; i < integers.length; i++) {
    const row = Math.floor(i / width);
    const inverse = Math.fround(1 / Number(scale.data[row]));
    const real = Math.fround(Number(table.data[i]) * inverse) + Number(zeroPoint.data[row]);
    integers[i] = Math.min(Math.max(roundHalfToEven(Math.fround(real)), quantMin), quantMax);
  }
  return { integers: new Tensor('uint8', integers, table.shape), scale, zeroPoint, axis: 0 };
}
