import { describe, expect, it } from 'vitest';
import {
  choosePreprocessing,
  preprocessingMetadata,
  rememberedPreprocessing,
} from '../../lib/cli/options/preprocessing.ts';

describe('choosePreprocessing', () => {
  const remembered = { scale: 1 / 255, mean: [0.5], std: [0.25] };

  const framed = { ...remembered, resizeSize: 256, cropSize: 224, interpolation: 'bicubic' as const };

  it('takes what the model remembers, but for what an option says', () => {
    expect(choosePreprocessing({}, remembered, false)).toEqual(remembered);
    expect(choosePreprocessing({ mean: [0.1] }, remembered, false)).toEqual({ ...remembered, mean: [0.1] });
    expect(choosePreprocessing({ scale: 1 }, remembered, false)).toEqual({ ...remembered, scale: 1 });
    expect(choosePreprocessing({ std: [2] }, remembered, true)).toEqual({ ...remembered, std: [2] });
    expect(choosePreprocessing({ cropSize: 192 }, framed, true)).toEqual({ ...framed, cropSize: 192 });
    expect(choosePreprocessing({}, undefined, true)).toEqual({});
  });

  it('takes the remembered sizes for image files only', () => {
    expect(choosePreprocessing({}, framed, false)).toEqual(remembered);
    expect(choosePreprocessing({ cropSize: 8 }, framed, false)).toEqual({ ...remembered, cropSize: 8 });
  });
});

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
