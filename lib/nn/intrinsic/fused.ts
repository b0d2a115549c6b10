import type { ReLU } from '../activation.ts';
import { Sequential } from '../containers.ts';
import type { Conv1d, Conv2d } from '../conv.ts';
import type { Linear } from '../linear.ts';
import type { Module } from '../module.ts';
import type { BatchNorm1d, BatchNorm2d } from '../normalization.ts';

/**
 * Modules that are quantized as one: nothing is rounded between them (counterpart: `_FusedModule`). They are named '0', '1', ….
 * `fuseModules` of `octavo/eager` makes them.
 */
export abstract class FusedModule<Parts extends readonly Module[] = readonly Module[]> extends Sequential {
  constructor(...parts: Parts) {
    super(...(parts as readonly Module[]));
    this.train(parts[0].training);
  }

  /** The modules, in order. */
  get parts(): Parts {
    return [...this] as readonly Module[] as Parts;
  }

  override get type(): string {
    return `torch.ao.nn.intrinsic.modules.fused.${this.constructor.name}`;
  }
}

/** Counterpart: `torch.ao.nn.intrinsic.ConvReLU1d`. */
export class ConvReLU1d extends FusedModule<readonly [Conv1d, ReLU]> {}
/** Counterpart: `torch.ao.nn.intrinsic.ConvReLU2d`. */
export class ConvReLU2d extends FusedModule<readonly [Conv2d, ReLU]> {}
/** Counterpart: `torch.ao.nn.intrinsic.LinearReLU`. */
export class LinearReLU extends FusedModule<readonly [Linear, ReLU]> {}
/** Counterpart: `torch.ao.nn.intrinsic.BNReLU2d`. */
export class BNReLU2d extends FusedModule<readonly [BatchNorm2d, ReLU]> {}
/** To be trained as one (counterpart: `torch.ao.nn.intrinsic.ConvBn1d`). */
export class ConvBn1d extends FusedModule<readonly [Conv1d, BatchNorm1d]> {}
/** To be trained as one (counterpart: `torch.ao.nn.intrinsic.ConvBn2d`). */
export class ConvBn2d extends FusedModule<readonly [Conv2d, BatchNorm2d]> {}
/** To be trained as one (counterpart: `torch.ao.nn.intrinsic.ConvBnReLU1d`). */
export class ConvBnReLU1d extends FusedModule<readonly [Conv1d, BatchNorm1d, ReLU]> {}
/** To be trained as one (counterpart: `torch.ao.nn.intrinsic.ConvBnReLU2d`). */
export class ConvBnReLU2d extends FusedModule<readonly [Conv2d, BatchNorm2d, ReLU]> {}
/** To be trained as one (counterpart: `torch.ao.nn.intrinsic.LinearBn1d`). */
export class LinearBn1d extends FusedModule<readonly [Linear, BatchNorm1d]> {}
