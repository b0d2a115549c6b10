import { describe, expect, it } from 'vitest';
import type { NodeFacts } from '../../lib/report/index.ts';
import { titleOf } from '../../lib/report/names.ts';

const node = (facts: Partial<NodeFacts>): NodeFacts => ({
  kind: 'operator',
  name: 'quantize_per_tensor_default',
  target: 'quantized_decomposed.quantize_per_tensor.default',
  dtype: 'uint8',
  shape: [],
  inputs: ['x'],
  operators: [],
  modulePath: '',
  ...facts,
});

describe('the title of a node', () => {
  it('says what quantization put into the graph in words', () => {
    expect(titleOf(node({}))).toBe('quantize x');
    const target = 'quantized_decomposed.dequantize_per_channel.default';
    expect(titleOf(node({ target, inputs: ['conv2d'] }))).toBe('dequantize conv2d');
  });

  it('is the module, else the operator of the captured model, else its own name', () => {
    const operators = [{ name: 'relu_1', target: 'aten.relu.default' }];
    expect(titleOf(node({ modulePath: 'stem', operators }))).toBe('stem');
    expect(titleOf(node({ operators }))).toBe('relu_1');
    expect(titleOf(node({ name: 'mean', target: 'aten.mean.dim' }))).toBe('mean');
  });
});
