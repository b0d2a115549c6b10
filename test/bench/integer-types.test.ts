import { describe, expect, it } from 'vitest';
import { type IntegerTypes, nameOf, withIntegerTypes } from '../../bench/integer-types.ts';
import { onnxRuntimeConfig } from '../../bench/onnxruntime-quantizer.ts';
import { pseudoRandom } from '../../bench/pseudo-random.ts';
import {
  calibrate,
  convertPt2e,
  cpuFeatures,
  Interpreter,
  loadPt2,
  operators,
  preparePt2e,
  Tensor,
  X86Quantizer,
} from '../../lib/index.ts';

describe('withIntegerTypes', async () => {
  const shape = [2, 3, 32, 32];
  const batch = new Tensor('float32', pseudoRandom(2 * 3 * 32 * 32, 1), shape);
  const prepared = preparePt2e(
    await loadPt2('models/tiny_cnn.pt2'),
    new X86Quantizer().setGlobal(onnxRuntimeConfig()),
  );
  await calibrate(prepared, [batch]);
  const converted = convertPt2e(prepared);
  const [expected] = new Interpreter(converted, operators).run([batch]);
  const all: readonly IntegerTypes[] = [
    { activation: 'uint8', weight: 'int8' },
    { activation: 'int8', weight: 'int8' },
    { activation: 'uint8', weight: 'uint8' },
  ];

  it.each(all)('$activation activations and $weight weights stand for the same numbers', (types) => {
    const module = withIntegerTypes(converted, types);
    const dtypes = (target: string) =>
      new Set(
        module.graph.nodes.filter((node) => node.target.includes(target)).map(({ args }) => args.at(-1)),
      );
    expect(dtypes('quantize_per_tensor')).toEqual(new Set([types.activation]));
    expect(dtypes('dequantize_per_channel')).toEqual(new Set([types.weight]));
    const [actual] = new Interpreter(module, operators).run([batch]);
    expect(actual.toArray()).toEqual(expected.toArray());
  });

  it('leaves the given graph as it is, and names types as ONNX Runtime does', () => {
    const [again] = new Interpreter(converted, operators).run([batch]);
    expect(again.toArray()).toEqual(expected.toArray());
    expect(all.map(nameOf)).toEqual(['u8s8', 's8s8', 'u8u8']);
  });

  it('weights keep to 7 bits where the CPU has no VNNI, activations never', () => {
    const { avx512Vnni, avxVnni } = cpuFeatures().instructionSets;
    const { weight, inputActivation } = onnxRuntimeConfig();
    expect([weight!.quantMin, weight!.quantMax]).toEqual(avx512Vnni || avxVnni ? [-128, 127] : [-64, 63]);
    expect([inputActivation!.quantMin, inputActivation!.quantMax]).toEqual([0, 255]);
  });
});
