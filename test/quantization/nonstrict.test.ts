import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadPt2 } from '../../lib/capture/index.ts';
import { deriveSourceFnStack } from '../../lib/capture/pt2/module-stack.ts';
import {
  getDefaultX86QuantizationConfig,
  preparePt2e,
  type QuantizationConfig,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { withProgram } from '../support/archives.ts';
import { print, printAnnotations } from '../support/pt2e-goldens.ts';

const model = (path: string) => new Uint8Array(readFileSync(new URL(`../${path}`, import.meta.url)));

/** The archive as an export that is not strict leaves it. */
const withoutSources = (archive: Uint8Array) =>
  withProgram((program) => {
    for (const { metadata } of program.graph_module.graph.nodes) delete metadata.source_fn_stack;
  }, archive);

const configs: Readonly<Record<string, QuantizationConfig>> = {
  static: getDefaultX86QuantizationConfig(),
  dynamic: getDefaultX86QuantizationConfig({ isDynamic: true }),
};

describe('an export that is not strict', () => {
  it.each(
    [
      'fixtures/quantization/recipe.pt2',
      'fixtures/quantization/encoder.pt2',
      '../models/tiny_cnn.pt2',
      '../models/glyph_mobilenet.pt2',
      '../models/glyph_resnet.pt2',
    ].flatMap((path) => Object.keys(configs).map((mode) => [path, mode] as const)),
  )('%s is quantized as the strict one (%s)', async (path, mode) => {
    const prepare = async (archive: Uint8Array) =>
      preparePt2e(await loadPt2(archive), new X86Quantizer().setGlobal(configs[mode]));
    const strict = await prepare(model(path));
    const other = await prepare(await withoutSources(model(path)));
    expect(strict.modules.size).toBeGreaterThan(0);
    expect(printAnnotations(other)).toEqual(printAnnotations(strict));
    expect(print(other)).toBe(print(strict));
  });

  // As PyTorch 2.6 and 2.14 write them.
  it.each<[string, string, string, object[]]>([
    [
      'a module',
      'L__self__,,cases.Net;L__self__body,body,torch.nn.modules.container.Sequential;L__self__body.0@1,body.0,torch.nn.modules.conv.Conv2d',
      'conv2d_3;builtin_function_or_method.conv2d',
      [{ name: 'L__self__body.0@1', target: 'torch.nn.modules.conv.Conv2d' }],
    ],
    [
      'modules inside one of PyTorch',
      'L__self__layer,layer,torch.nn.modules.transformer.TransformerEncoderLayer;L__self__layer.linear1,layer.linear1,torch.nn.modules.linear.Linear',
      'linear_1;builtin_function_or_method.linear',
      [{ name: 'L__self__layer.linear1', target: 'torch.nn.modules.linear.Linear' }],
    ],
    [
      'F.relu',
      'L__self__,,cases.Net',
      'relu_2;function.relu',
      [{ name: 'relu_2', target: 'torch.nn.functional.relu' }],
    ],
    [
      'torch.relu',
      'L__self__,,cases.Net',
      'relu_1;builtin_function_or_method.relu',
      [{ name: 'relu_1', target: 'torch.relu' }],
    ],
    [
      'F.linear',
      '',
      'linear_1;builtin_function_or_method.linear',
      [{ name: 'linear_1', target: 'torch._C._nn.linear' }],
    ],
    ['x * y', '', 'mul_1;method_descriptor.mul', [{ name: 'mul_1', target: '_operator.mul' }]],
    ['x / y', '', 'div_1;method_descriptor.div', [{ name: 'div_1', target: '_operator.truediv' }]],
    ['x.relu_()', '', 'relu__1;method_descriptor.relu_', [{ name: 'relu__1', target: 'relu_' }]],
  ])('tells the source of %s', (_, moduleStack, torchFn, expected) => {
    expect(deriveSourceFnStack(moduleStack, torchFn)).toEqual(expected);
  });

  it('that says nothing at all has no source', () => {
    expect(deriveSourceFnStack(undefined, undefined)).toEqual([]);
    expect(deriveSourceFnStack('', 'odd')).toEqual([]);
  });
});
