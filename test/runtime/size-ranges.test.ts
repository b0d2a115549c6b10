import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { encodeSafetensors } from '../../lib/formats/safetensors.ts';
import { type GraphModule, Interpreter, SymInt } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { compile, loadModel } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { withProgram } from '../support/archives.ts';
import { decodeSafetensors } from '../support/decode-safetensors.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';

const images = (batch: number) => uniform([batch, 3, 32, 32], -1, 1, batch);

/** `tiny_cnn.pt2` as an export with `Dim('batch', min=…, max=…)` writes it: an end that is infinite is null. */
const exported = async (min: number | null, max: number | null): Promise<GraphModule> =>
  loadPt2(
    await withProgram((program) => {
      program.range_constraints = { s0: { min_val: min, max_val: max } };
    }),
  );

const interpret = (module: GraphModule, batch: number) =>
  new Interpreter(module, operators).run([images(batch)])[0].shape;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a size's range", () => {
  const refusal = (batch: number, range = 'from 4 to 16', dtype = 'float32') =>
    `input 'x' must be float32[s0, 3, 32, 32] with s0 (dimension 0) ${range}, got ${dtype}[${batch}, 3, 32, 32]`;

  it('holds for the interpreter', async () => {
    const module = await exported(4, 16);
    for (const batch of [4, 16]) expect(interpret(module, batch)).toEqual([batch, 10]);
    for (const batch of [3, 17]) expect(() => interpret(module, batch)).toThrow(refusal(batch));
  });

  it('holds for a compiled model, whatever is asked of it', async () => {
    using model = compile(await exported(4, 16));
    expect([...model.rangeConstraints]).toEqual([['s0', { min: 4, max: 16 }]]);
    for (const batch of [4, 16])
      expect(Object.values(await model.run(images(batch)))[0].shape).toEqual([batch, 10]);
    for (const batch of [3, 17]) {
      await expect(model.run(images(batch))).rejects.toThrow(refusal(batch));
      expect(() => model.runSync(images(batch))).toThrow(refusal(batch));
      expect(() => model.profile(images(batch))).toThrow(refusal(batch));
      const shape = [batch, 3, 32, 32];
      await expect(model.warmup(shape)).rejects.toThrow(refusal(batch, undefined, ''));
      expect(() => model.plan(shape)).toThrow(refusal(batch, undefined, ''));
    }
  });

  it('comes through quantization, lowering, and a file', async () => {
    const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig());
    const prepared = preparePt2e(await exported(4, 16), quantizer);
    await calibrate(prepared, [images(4)]);
    const { module } = lower(convertPt2e(prepared));
    const [path, again] = [join(folder, 'ranges.octavo'), join(folder, 'again.octavo')];
    using model = compile(module);
    await model.save(path);
    using loaded = await loadModel(path);
    await loaded.save(again);
    using reloaded = await loadModel(again);
    for (const each of [model, loaded, reloaded]) {
      await each.run(images(4));
      await expect(each.run(images(17))).rejects.toThrow(refusal(17));
    }
  });

  // As torch/_export/utils.py has it: 0 and 1 are what export sets apart, so a least size of 2 says nothing.
  it.each<[number | null, number | null, number[], number[], string]>([
    [2, 16, [1], [17], 'at most 16'],
    [null, 16, [1], [17], 'at most 16'],
    [3, null, [3, 40], [2], 'at least 3'],
    [2, null, [1, 40], [], ''],
    [null, null, [1, 40], [], ''],
    [8, 8, [8], [7, 9], 'from 8 to 8'],
  ])('from %s to %s counts as it does in PyTorch', async (min, max, right, wrong, range) => {
    const module = await exported(min, max);
    using model = compile(module);
    for (const batch of right) {
      expect(interpret(module, batch)).toEqual([batch, 10]);
      await model.run(images(batch));
    }
    for (const batch of wrong) {
      expect(() => interpret(module, batch)).toThrow(refusal(batch, range));
      await expect(model.run(images(batch))).rejects.toThrow(refusal(batch, range));
    }
  });
});

describe('a size that follows from another', () => {
  const twice = () => {
    const b = new GraphBuilder();
    const [p, q] = [b.input('p', [new SymInt(['s0'])]), b.input('q', [new SymInt(['s0'], 2)])];
    const module = b.finish(b.call('aten.neg.default', p), b.call('aten.neg.default', q));
    // PyTorch writes the ranges of both.
    module.rangeConstraints.set('s0', { min: 0, max: 4 }).set('2*s0', { min: 0, max: 8 });
    return module;
  };
  const of = (length: number) => Tensor.zeros('float32', [length]);

  it('has its own range and its place in the equation', async () => {
    using model = compile(twice());
    await model.run({ p: of(4), q: of(8) });
    const refused = (p: number, q: number) => expect(model.run({ p: of(p), q: of(q) })).rejects;
    await refused(3, 8).toThrow("'q' must be float32[2*s0], got float32[8]: s0 is 3 in input 'p'");
    await refused(3, 7).toThrow("'q' must be float32[2*s0] with 2*s0 a multiple of 2, got float32[7]");
    await refused(5, 10).toThrow("'p' must be float32[s0] with s0 (dimension 0) at most 4, got float32[5]");
    const module = twice();
    module.rangeConstraints.delete('s0');
    using other = compile(module);
    await expect(other.run({ p: of(5), q: of(10) })).rejects.toThrow(
      "'q' must be float32[2*s0] with 2*s0 (dimension 0) at most 8, got float32[10]",
    );
  });
});

describe('a file', () => {
  const altered = async (ranges?: string) => {
    const path = join(folder, 'altered.octavo');
    const module = convNet();
    module.rangeConstraints.set('s0', { min: 1, max: 2 });
    using model = compile(module);
    await model.save(path);
    const { tensors, metadata } = decodeSafetensors(await readFile(path), path);
    const { rangeConstraints: _, ...rest } = metadata;
    const changed = ranges === undefined ? rest : { ...rest, rangeConstraints: ranges };
    await writeFile(path, Buffer.concat(encodeSafetensors({ tensors, metadata: changed })));
    return path;
  };

  it('from before there were ranges loads, and takes any size', async () => {
    using model = await loadModel(await altered());
    expect(model.rangeConstraints.size).toBe(0);
    await model.run(uniform([3, 3, 8, 8], -1, 1, 1));
  });

  it.each([
    ['[]', 'ranges must be an object'],
    ['{"s0": 3}', 'the range of s0 has ends that are no integers'],
    ['{"s0": {"min": 1, "max": 2.5}}', 'the range of s0 has ends that are no integers'],
    ['{"s0": {"min": 1, "max": null}}', 'the range of s0 has ends that are no integers'],
  ])('whose ranges are %s is refused', async (ranges, message) => {
    await expect(loadModel(await altered(ranges))).rejects.toThrow(`is damaged: ${message}`);
  });
});
