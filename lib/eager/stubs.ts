import { Module, type Value } from '../nn/index.ts';
import type { QConfig } from '../quantization/index.ts';

/** A place where nothing is computed before `convert`. */
abstract class Stub extends Module {
  /** @param qconfig of this place, if not that of the module around. */
  constructor(qconfig?: QConfig) {
    super();
    if (qconfig) this.qconfig = qconfig;
  }

  forward(x: Value): Value {
    return x;
  }
}

/**
 * Where real numbers become integers (counterpart: `torch.ao.quantization.QuantStub`): it returns its input, which `prepare` observes and
 * `convert` quantizes.
 */
export class QuantStub extends Stub {
  override get type(): string {
    return 'torch.ao.quantization.stubs.QuantStub';
  }
}

/** Where integers become real numbers again (counterpart: `torch.ao.quantization.DeQuantStub`). */
export class DeQuantStub extends Stub {
  override get type(): string {
    return 'torch.ao.quantization.stubs.DeQuantStub';
  }
}

/** A module between a {@link QuantStub} and a {@link DeQuantStub} (counterpart: `torch.ao.quantization.QuantWrapper`). */
export class QuantWrapper extends Module {
  readonly quant: Module;
  readonly dequant: Module;
  readonly module: Module;

  constructor(module: Module) {
    super();
    const qconfig = (module.qconfig ?? undefined) as QConfig | undefined;
    this.quant = new QuantStub(qconfig);
    this.dequant = new DeQuantStub(qconfig);
    this.module = module;
    this.train(module.training);
  }

  override get type(): string {
    return 'torch.ao.quantization.stubs.QuantWrapper';
  }

  forward(x: Value): Value {
    return this.dequant.call(this.module.call(this.quant.call(x) as Value) as Value) as Value;
  }
}

/**
 * Wraps every module that has a `qconfig` and no modules inside in a {@link QuantWrapper}, in place (counterpart: `add_quant_dequant`).
 * @returns the model, or what wraps it where it is such a module itself.
 */
export function addQuantDequant(model: Module): Module {
  const children = model.namedChildren;
  if (children.length === 0 && model.qconfig) return new QuantWrapper(model);
  for (const [name, child] of children) model.setSubmodule(name, addQuantDequant(child));
  return model;
}
