import type { CallableModule, NumericDebugHandle } from '../graph/index.ts';
import { Tensor } from '../tensor/index.ts';

/** Passes a node's value on and keeps it (counterpart: `OutputLogger` of the PT2E numeric debugger). */
export class OutputLogger implements CallableModule {
  readonly debugHandle: number;
  readonly nodeName: string;
  /** Path of the module that the node comes from; empty if unknown. */
  readonly modulePath: string;
  /** One tensor a call; what integers stand for, as float32. */
  readonly stats: Tensor[] = [];
  readonly #qparams: NumericDebugHandle['qparams'];

  constructor({ handle, qparams }: NumericDebugHandle, nodeName: string, modulePath: string) {
    this.debugHandle = handle;
    this.#qparams = qparams;
    this.nodeName = nodeName;
    this.modulePath = modulePath;
  }

  forward(input: Tensor): Tensor {
    this.stats.push(this.#qparams ? dequantize(input, this.#qparams) : input);
    return input;
  }
}

function dequantize(
  { data, shape }: Tensor,
  { scale, zeroPoint }: NonNullable<NumericDebugHandle['qparams']>,
): Tensor {
  const factor = Math.fround(scale);
  return new Tensor(
    'float32',
    Float32Array.from(data as Uint8Array, (q) => (q - zeroPoint) * factor),
    shape,
  );
}
