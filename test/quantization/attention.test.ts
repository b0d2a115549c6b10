import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadPt2 } from '../../lib/capture/index.ts';
import { getDefaultX86QuantizationConfig, X86Quantizer } from '../../lib/quantization/index.ts';
import { prepareStatic } from '../../lib/recipes/convert.ts';

const fixture = (name: string) => new URL(`../fixtures/quantization/attention-${name}`, import.meta.url);

/** Annotated nodes, each with the inputs that are observed. */
type Annotations = Readonly<Record<string, readonly string[]>>;

const golden = (recipe: string) =>
  JSON.parse(readFileSync(fixture(`${recipe}.json`), 'utf8')) as Record<string, Annotations>;

/** The model of script/goldens/attention.py: linear layers before, in and behind PyTorch's transformer modules. */
async function annotated(file: string, quantizer: X86Quantizer): Promise<Annotations> {
  const module = await loadPt2(readFileSync(fixture(`${file}.pt2`)));
  quantizer.annotate(module);
  const nodes = module.graph.nodes.filter(({ meta }) => meta.quantizationAnnotation?.inputQspecMap.size);
  return Object.fromEntries(
    nodes.map((node) => {
      const inputs = [...node.meta.quantizationAnnotation!.inputQspecMap];
      return [node.name, inputs.flatMap(([input, spec]) => (spec === null ? [] : [input.name]))];
    }),
  );
}

const layersOf = (annotations: Annotations) =>
  Object.keys(annotations).filter((name) => /^linear/.test(name));
const all = Array.from({ length: 8 }, (_, i) => (i === 0 ? 'linear' : `linear_${i}`));

describe.each([
  ['pytorch-2.6', 'strict'],
  ['torchao', 'strict'],
  ['torchao', 'nonstrict'],
] as const)('by the recipe %s, of a %s export', (recipe, kind) => {
  const config = getDefaultX86QuantizationConfig({ recipe });
  const file = `${recipe}-${kind}`;

  it('layers that attention and transformer modules call are found as in PyTorch', async () => {
    const { [kind]: expected } = golden(recipe);
    const observed = Object.entries(expected).filter(([, inputs]) => inputs.length > 0);
    const annotations = await annotated(file, new X86Quantizer().setGlobal(config));
    expect(annotations).toEqual(Object.fromEntries(observed));
    expect(layersOf(annotations)).not.toEqual(all);
  });

  it('the others are quantized where their modules are configured by type', async () => {
    const quantizer = new X86Quantizer()
      .setGlobal(config)
      .setModuleTypeQconfig('MultiheadAttention', config)
      .setModuleTypeQconfig('torch.nn.TransformerEncoderLayer', config);
    expect(layersOf(await annotated(file, quantizer)).sort()).toEqual(all);
    const module = await loadPt2(readFileSync(fixture(`${file}.pt2`)));
    const overrides = { moduleTypes: [['TransformerEncoderLayer', config]] } as const;
    const observers = (prepared: { modules: ReadonlyMap<string, unknown> }) => prepared.modules.size;
    const more = observers(prepareStatic(module.clone(), { recipe, overrides }));
    expect(more).toBeGreaterThan(observers(prepareStatic(module, { recipe })));
  });

  it('all of them stay in floating point where that configuration is null', async () => {
    const quantizer = new X86Quantizer()
      .setGlobal(config)
      .setModuleTypeQconfig('TransformerEncoderLayer', null);
    expect(layersOf(await annotated(file, quantizer))).toEqual(['linear', 'linear_7']);
  });
});

it('a graph that says of no node what it was traced from is quantized by its operators', async () => {
  const module = await loadPt2(readFileSync(fixture('torchao-strict.pt2')));
  for (const { meta } of module.graph.nodes) delete meta.sourceFnStack;
  new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig()).annotate(module);
  const layers = module.graph.nodes.filter(
    ({ target, meta }) => target === 'aten.linear.default' && meta.quantizationAnnotation,
  );
  expect(layers.map(String)).toEqual(all);
});

it('recipes do not mix, whichever modules they are for', () => {
  const quantizer = new X86Quantizer().setModuleTypeQconfig(
    'MultiheadAttention',
    getDefaultX86QuantizationConfig({ recipe: 'pytorch-2.6' }),
  );
  expect(() => quantizer.setGlobal(getDefaultX86QuantizationConfig())).toThrow('cannot be mixed');
});

it('a model with nothing but attention is refused with what would quantize it', async () => {
  const attention = await loadPt2('test/fixtures/cases/pytorch_2.14/mha_dynamic_batch.pt2');
  const config = getDefaultX86QuantizationConfig();
  expect(() => prepareStatic(attention)).toThrow(
    "layers that MultiheadAttention calls are quantized with overrides: { moduleTypes: [['MultiheadAttention', config]] }",
  );
  expect(
    prepareStatic(attention, { overrides: { moduleTypes: [['MultiheadAttention', config]] } }).modules.size,
  ).toBeGreaterThan(0);
});
