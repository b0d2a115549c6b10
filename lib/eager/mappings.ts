import * as nn from '../nn/index.ts';
import { withoutBatchNorm } from './fold-after-training.ts';
import type { ModuleClass } from './propagate-qconfig.ts';
import { DeQuantStub, QuantStub } from './stubs.ts';

/** Makes a module of another one, by what that has observed: a class of quantized modules. */
export interface QuantizedModule {
  /** Each is for modules of one class. */
  fromFloat(module: never): nn.Module;
}

/** What each class of modules becomes. */
export type ModuleMapping = ReadonlyMap<ModuleClass, QuantizedModule>;

const { intrinsic, qat, quantized } = nn;

/** What `convert` makes of modules after calibration (counterpart: `get_default_static_quant_module_mappings`). */
export function getDefaultStaticQuantModuleMappings(): Map<ModuleClass, QuantizedModule> {
  return new Map<ModuleClass, QuantizedModule>([
    [QuantStub, quantized.Quantize],
    [DeQuantStub, quantized.DeQuantize],
    [nn.BatchNorm2d, quantized.BatchNorm2d],
    [nn.Conv1d, quantized.Conv1d],
    [nn.Conv2d, quantized.Conv2d],
    [nn.Dropout, quantized.Dropout],
    [nn.Embedding, quantized.Embedding],
    [nn.Hardswish, quantized.Hardswish],
    [nn.LayerNorm, quantized.LayerNorm],
    [nn.LeakyReLU, quantized.LeakyReLU],
    [nn.Linear, quantized.Linear],
    [nn.ReLU6, quantized.ReLU6],
    [quantized.FloatFunctional, quantized.QFunctional],
    [intrinsic.BNReLU2d, quantized.BNReLU2d],
    [intrinsic.ConvReLU1d, quantized.ConvReLU1d],
    [intrinsic.ConvReLU2d, quantized.ConvReLU2d],
    [intrinsic.LinearReLU, quantized.LinearReLU],
    [qat.Conv2d, quantized.Conv2d],
    [qat.ConvReLU2d, quantized.ConvReLU2d],
    [qat.Linear, quantized.Linear],
    [qat.LinearReLU, quantized.LinearReLU],
    [qat.ConvBn1d, withoutBatchNorm(quantized.Conv1d)],
    [qat.ConvBn2d, withoutBatchNorm(quantized.Conv2d)],
    [qat.ConvBnReLU1d, withoutBatchNorm(quantized.ConvReLU1d)],
    [qat.ConvBnReLU2d, withoutBatchNorm(quantized.ConvReLU2d)],
    [qat.LinearBn1d, withoutBatchNorm(quantized.Linear)],
  ]);
}

/** What `prepareQat` makes of modules (counterpart: `get_default_qat_module_mappings`). */
export function getDefaultQatModuleMappings(): Map<ModuleClass, QuantizedModule> {
  return new Map<ModuleClass, QuantizedModule>([
    [nn.Conv2d, qat.Conv2d],
    [nn.Linear, qat.Linear],
    [intrinsic.ConvBn1d, qat.ConvBn1d],
    [intrinsic.ConvBn2d, qat.ConvBn2d],
    [intrinsic.ConvBnReLU1d, qat.ConvBnReLU1d],
    [intrinsic.ConvBnReLU2d, qat.ConvBnReLU2d],
    [intrinsic.ConvReLU2d, qat.ConvReLU2d],
    [intrinsic.LinearBn1d, qat.LinearBn1d],
    [intrinsic.LinearReLU, qat.LinearReLU],
  ]);
}

/** What `quantizeDynamic` makes of modules (counterpart: `get_default_dynamic_quant_module_mappings`). */
export function getDefaultDynamicQuantModuleMappings(): Map<ModuleClass, QuantizedModule> {
  return new Map<ModuleClass, QuantizedModule>([
    [nn.Embedding, quantized.Embedding],
    [nn.GRU, quantized.dynamic.GRU],
    [nn.GRUCell, quantized.dynamic.GRUCell],
    [nn.Linear, quantized.dynamic.Linear],
    [nn.LSTM, quantized.dynamic.LSTM],
    [nn.LSTMCell, quantized.dynamic.LSTMCell],
    [intrinsic.LinearReLU, quantized.dynamic.LinearReLU],
  ]);
}

/** Modules whose results are observed, if nothing is inside of them (counterpart: `get_default_qconfig_propagation_list`). */
export function getDefaultQconfigPropagationList(): ReadonlySet<ModuleClass> {
  return new Set([
    ...getDefaultStaticQuantModuleMappings().keys(),
    ...getDefaultDynamicQuantModuleMappings().keys(),
  ]);
}
