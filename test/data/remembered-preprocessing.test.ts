import { describe, expect, it } from 'vitest';
import { preprocessingMetadata, rememberedPreprocessing } from '../../lib/data/index.ts';

describe('rememberedPreprocessing', () => {
  const remembered = { scale: 1 / 255, mean: [0.5], std: [0.25] };
  const key = 'octavo.preprocessing';

  it('gives what was kept, and lets the user keep what they like beside it', () => {
    const metadata = { ...preprocessingMetadata(remembered), preprocessing: 'by hand' };
    expect(rememberedPreprocessing(metadata, 'm.octavo')).toEqual(remembered);
    expect(rememberedPreprocessing({ preprocessing: 'by hand' }, 'm.octavo')).toBeUndefined();
  });

  it.each([
    'by hand',
    'null',
    JSON.stringify({ ...remembered, scale: 0 }),
    JSON.stringify({ ...remembered, mean: [] }),
    JSON.stringify({ ...remembered, mean: ['1'] }),
    JSON.stringify({ ...remembered, std: [1, 0] }),
    JSON.stringify({ scale: 1, mean: 0, std: 1 }),
    JSON.stringify({ ...remembered, cropSize: 1.5 }),
  ])('refuses %s', (text) => {
    const message = `m.octavo: its metadata '${key}' is not a preprocessing: `;
    expect(() => rememberedPreprocessing({ [key]: text }, 'm.octavo')).toThrow(message);
    expect(() => rememberedPreprocessing({ [key]: text }, 'm.octavo')).toThrow(`it is ${text}`);
  });
});
