import { describe, expect, it } from 'vitest';
import { loadModel, loadNpz, loadPt2 } from '../../lib/index.ts';

describe.each([
  ['loadPt2', loadPt2],
  ['loadNpz', loadNpz],
  ['loadModel', loadModel],
])('%s', (_, load: (path: string) => Promise<unknown>) => {
  it('names a file that is not there', async () => {
    await expect(load('nowhere.bin')).rejects.toThrow(
      /^nowhere\.bin could not be opened: ENOENT: no such file or directory/,
    );
  });

  it('names what is no file', async () => {
    await expect(load('models')).rejects.toThrow(/^models is not a file$/);
  });
});
