import type { OnnxEmitter } from '../emitter.ts';
import { activationEmitters } from './activation.ts';
import { arithmeticEmitters } from './arithmetic.ts';
import { attentionEmitters } from './attention.ts';
import { convolutionEmitters } from './convolution.ts';
import { dynamicQuantizationEmitters } from './dynamic-quantization.ts';
import { linearEmitters } from './linear.ts';
import { normalizationEmitters } from './normalization.ts';
import { poolingEmitters } from './pooling.ts';
import { quantizationEmitters } from './quantization.ts';
import { shapeEmitters } from './shape.ts';

const emitters = new Map<string, OnnxEmitter>(
  [
    activationEmitters,
    arithmeticEmitters,
    attentionEmitters,
    convolutionEmitters,
    dynamicQuantizationEmitters,
    linearEmitters,
    normalizationEmitters,
    poolingEmitters,
    quantizationEmitters,
    shapeEmitters,
  ].flatMap((group) => Object.entries(group)),
);

/**
 * How an operator is written. An in-place operator (`aten.relu_.default`) is written like its functional counterpart.
 */
export function emitterOf(target: string): OnnxEmitter | undefined {
  return emitters.get(target.replace(/_\.(\w+)$/, '.$1'));
}
