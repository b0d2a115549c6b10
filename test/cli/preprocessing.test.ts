import { describe, expect, it } from 'vitest';
import { choosePreprocessing } from '../../lib/cli/options/preprocessing.ts';

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
