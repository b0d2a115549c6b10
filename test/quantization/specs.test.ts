import { describe, expect, it } from 'vitest';
import { Graph } from '../../lib/graph/index.ts';
import {
  DerivedQuantizationSpec,
  FixedQParamsQuantizationSpec,
  getBiasQspec,
  getInputActQspec,
  getWeightQspec,
  HistogramObserver,
  MinMaxObserver,
  PerChannelMinMaxObserver,
  QuantizationAnnotation,
  type QuantizationConfig,
  QuantizationSpec,
  SharedQuantizationSpec,
} from '../../lib/quantization/index.ts';

const spec = (args: Partial<ConstructorParameters<typeof QuantizationSpec>[0]>) =>
  new QuantizationSpec({ dtype: 'uint8', observerOrFakeQuantCtr: MinMaxObserver, ...args });

describe('QuantizationSpec', () => {
  it('holds what it was given', () => {
    const made = spec({ quantMin: 0, quantMax: 127, qscheme: 'per_tensor_affine' });
    expect(made).toMatchObject({ dtype: 'uint8', quantMin: 0, quantMax: 127, isDynamic: false });
    const observer = made.observerOrFakeQuantCtr.withArgs({ quantMin: 0, quantMax: 127 }).create();
    expect(observer).toBeInstanceOf(MinMaxObserver);
    expect(observer.quantMax).toBe(127);
  });

  it('lets later arguments win over earlier ones', () => {
    const ctr = HistogramObserver.withArgs({ eps: 2 ** -12, bins: 64 }).withArgs({ bins: 128 });
    expect(ctr.create()).toMatchObject({ eps: 2 ** -12, bins: 128 });
  });

  it.each([
    [{ quantMin: 5, quantMax: 4 }, /quantMin 5 and quantMax 4/],
    [{ quantMin: 0.5, quantMax: 4 }, /integers/],
    [{ quantMin: -1, quantMax: 255 }, /does not fit uint8/],
    [{ quantMax: 255 }, /given together/],
    [{ chAxis: -1 }, /chAxis/],
    [{ dtype: 'int64' as 'int8' }, /'int64'/],
    [{ qscheme: 'per_row' as 'per_channel_affine' }, /'per_row' is no qscheme; they are per_tensor_affine,/],
    [{ dtype: 'int16' as const, isDynamic: true }, /only uint8 and int8 can be dynamic/],
    [{ qscheme: 'per_channel_symmetric' as const, isDynamic: true }, /dynamic quantization is per tensor/],
    [
      { dtype: 'int8' as const, qscheme: 'per_channel_affine_float_qparams' as const },
      /must begin with 0, got int8 from -128; use uint8, or per_channel_affine/,
    ],
    [{ observerOrFakeQuantCtr: {} as typeof MinMaxObserver }, /observer class/],
  ])('refuses %o', (args, message) => {
    expect(() => spec(args)).toThrow(message);
  });
});

describe('FixedQParamsQuantizationSpec', () => {
  const fixed = { dtype: 'uint8', scale: 1 / 256, zeroPoint: 0 } as const;
  it.each([
    [{ ...fixed, scale: 0 }, /scale must be positive/],
    [{ ...fixed, scale: Number.NaN }, /scale must be positive/],
    [{ ...fixed, zeroPoint: 256 }, /zeroPoint.*does not fit uint8/],
    [{ ...fixed, zeroPoint: 0.5 }, /zeroPoint.*integers/],
    [{ ...fixed, quantMin: 1, quantMax: 255 }, /zeroPoint 0 is outside \[1, 255\]/],
    [{ ...fixed, dtype: 'float32' as 'uint8' }, /not an integer type/],
    [{ ...fixed, qscheme: 'per_channel_affine' as const }, /per tensor/],
  ])('refuses %o', (args, message) => {
    expect(() => new FixedQParamsQuantizationSpec(args)).toThrow(message);
  });
});

describe('DerivedQuantizationSpec', () => {
  const graph = new Graph();
  const x = graph.placeholder('x');
  const derived = { derivedFrom: [x], deriveQparamsFn: () => null as never, dtype: 'int32' } as const;
  it.each([
    [{ ...derived, derivedFrom: [] }, /derivedFrom is empty/],
    [{ ...derived, derivedFrom: [[x] as unknown as [typeof x, typeof x]] }, /pair of producer and user/],
    [{ ...derived, deriveQparamsFn: undefined as never }, /deriveQparamsFn must be a function/],
    [{ ...derived, qscheme: 'per_channel_symmetric' as const }, /needs a chAxis/],
    [{ ...derived, quantMin: -(2 ** 31), quantMax: 2 ** 31 }, /does not fit int32/],
  ])('refuses %#', (args, message) => {
    expect(() => new DerivedQuantizationSpec(args)).toThrow(message);
  });
});

describe('annotations and configurations', () => {
  it('an annotation without inputs and output asks for nothing', () => {
    const graph = new Graph();
    const x = graph.placeholder('x');
    const relu = graph.callFunction('aten.relu.default', [x]);
    expect(new QuantizationAnnotation({ annotated: true }).isEmpty).toBe(true);
    expect(new QuantizationAnnotation({ inputQspecMap: [[x, null]] }).isEmpty).toBe(false);
    const shared = new SharedQuantizationSpec([x, relu]);
    expect(new QuantizationAnnotation({ outputQspec: shared }).isEmpty).toBe(false);
    expect(String(shared)).toBe('SharedQuantizationSpec((x, relu_default))');
  });

  it('a shared specification refuses what is no place', () => {
    expect(() => new SharedQuantizationSpec('x' as never)).toThrow(/a node or a pair.*got x/);
  });

  it.each(['uint8', 'int8', 'uint16', 'int16', 'int32', 'float16', 'bfloat16', 'float32'] as const)(
    'tensors can be quantized to %s',
    (dtype) => {
      expect(new QuantizationSpec({ dtype, observerOrFakeQuantCtr: MinMaxObserver }).dtype).toBe(dtype);
    },
  );

  it('configurations refuse schemes that backends cannot run', () => {
    const affine = spec({ qscheme: 'per_channel_affine', observerOrFakeQuantCtr: PerChannelMinMaxObserver });
    const config: QuantizationConfig = {
      inputActivation: affine,
      outputActivation: null,
      weight: affine,
      bias: spec({ dtype: 'int32' }),
      isQat: false,
    };
    expect(() => getInputActQspec(config)).toThrow(/per tensor/);
    expect(() => getWeightQspec(config)).toThrow(/symmetrically/);
    expect(() => getBiasQspec(config)).toThrow(/float32/);
    expect(getInputActQspec(null)).toBeNull();
  });
});
