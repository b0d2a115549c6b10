import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNpz, writeNpz } from '../../lib/formats/npz.ts';
import { loadModel } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { octavoHere } from './octavo.ts';

describe('octavo quantize', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-cli-packed-'));
    const x = (await loadNpz('models/glyphs/calib.npz')).get('x')!;
    const images = new Tensor('uint8', x.data.subarray(0, 8 * 3 * 32 * 32), [8, 3, 32, 32]);
    await writeFile(join(folder, 'calib.npz'), await writeNpz({ x: images }));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([[[], false] as const, [['--packed-weights'], true] as const])(
    'with %s stores packed weights for one image: %s',
    async (flags, packed) => {
      const out = join(folder, `${packed}.octavo`);
      const { code, stderr } = await octavoHere(
        ...['quantize', 'models/glyph_resnet.pt2', '--calib', join(folder, 'calib.npz'), '--out', out],
        ...['--mean', '0.5', '--std', '0.25', ...flags],
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      using model = await loadModel(out);
      const { packedBytes, packedBytesFromFile } = model.plan([1, 3, 32, 32]).memory;
      expect(packedBytesFromFile).toBe(packed ? packedBytes : 0);
      const { stdout } = await octavoHere('print', out, '--stage', 'plan');
      expect(stdout).toMatch(
        packed ? /packed (.* [KM]iB) \(\1 read from a file\)/ : /\(0 B read from a file\)/,
      );
    },
  );
});
