import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Tensor } from '../../lib/index.ts';
import { transforms } from '../../lib/training/index.ts';
import { Random } from '../../lib/training/loading/random.ts';
import { uniform } from '../support/graph-builder.ts';

const { adjustBrightness, adjustContrast, affine, colorJitter, convertImageDtype } = transforms;
const { normalize, randomAffine, randomCrop, randomHorizontalFlip } = transforms;

/** What torchvision 0.21 makes of images, written by script/goldens/image_transforms.py. */
interface Golden {
  readonly images: Readonly<Record<string, { readonly shape: number[]; readonly values: number[] }>>;
  readonly affines: readonly (transforms.Affine & { readonly image: string; readonly result: number[] })[];
  readonly colors: readonly {
    readonly image: string;
    readonly kind: 'brightness' | 'contrast';
    readonly factor: number;
    readonly result: number[];
  }[];
}

const fixture = new URL('../fixtures/training/image_transforms.json', import.meta.url);
const golden: Golden = JSON.parse(readFileSync(fixture, 'utf8'));

/** A new copy: transforms may overwrite theirs. */
function image(name: string): Tensor {
  const { values, shape } = golden.images[name];
  return Tensor.from('float32', values, shape);
}

function expectClose(actual: Tensor, expected: readonly number[]): void {
  expect(actual.numel).toBe(expected.length);
  actual.toArray().forEach((value, i) => {
    // float32 places between pixels, where PyTorch computes them: 1e-6 of a size of 9 pixels.
    expect(Math.abs(value - expected[i])).toBeLessThan(1e-5);
  });
}

describe("torchvision's result", () => {
  it.each(golden.affines.map((each) => [JSON.stringify({ ...each, result: '…' }), each] as const))(
    'is that of affine: %s',
    (_, { image: name, result, ...how }) => {
      expectClose(affine(image(name), how), result);
    },
  );

  it.each(golden.colors.map((each) => [each.kind, each.image, each.factor, each.result] as const))(
    'is that of %s, %s by %f',
    (kind, name, factor, result) => {
      const adjust = kind === 'brightness' ? adjustBrightness : adjustContrast;
      expectClose(adjust(image(name), factor), result);
    },
  );
});

describe('affine', () => {
  it('fills what lies outside', () => {
    const how = { angle: 40, translate: [1, 2], scale: 0.8 } as const;
    const shifted = Tensor.from(
      'float32',
      image('color')
        .toArray()
        .map((value) => value - 0.5),
      [3, 7, 9],
    );
    // Filling with a half is filling with zero what is a half less.
    expectClose(
      affine(image('color'), how, 0.5),
      affine(shifted, how)
        .toArray()
        .map((value) => value + 0.5),
    );
  });

  it('is as large as it says when it is random', () => {
    const moved = randomAffine({ degrees: 0, translate: [0.25, 0] });
    const dot = () => Tensor.from('float32', [0, 0, 0, 0, 1, 0, 0, 0], [1, 1, 8]);
    const places = new Set<number>();
    for (let i = 0; i < 200; i++) places.add(moved(dot(), new Random(i)).toArray().indexOf(1));
    expect([...places].sort()).toEqual([2, 3, 4, 5, 6]);
  });
});

describe('a random crop', () => {
  it('is every part of the padded image, and nothing else', () => {
    const [height, width, padding] = [4, 5, 1];
    const source = uniform([2, height, width], 0, 1, 1);
    const values = source.toArray();
    const parts = new Map<string, string>();
    for (let top = -padding; top <= padding + 1; top++)
      for (let left = -padding; left <= padding + 1; left++) {
        const part: number[] = [];
        for (let c = 0; c < 2; c++)
          for (let y = top; y < top + 3; y++)
            for (let x = left; x < left + 4; x++) {
              const isInside = y >= 0 && y < height && x >= 0 && x < width;
              part.push(isInside ? values[(c * height + y) * width + x] : 9);
            }
        parts.set(part.join(), `${top}, ${left}`);
      }
    const crop = randomCrop([3, 4], { padding, fill: 9 });
    const found = new Set<string | undefined>();
    for (let i = 0; i < 300; i++) {
      const result = crop(source, new Random(i));
      expect(result.shape).toEqual([2, 3, 4]);
      found.add(parts.get(result.toArray().join()));
    }
    expect(found).toEqual(new Set(parts.values()));
  });

  it('may lie in the padding alone', () => {
    const crop = randomCrop(2, { padding: 5, fill: 3 });
    const seen = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const values = crop(Tensor.from('float32', [1], [1, 1, 1]), new Random(i)).toArray();
      seen.add(values.filter((value) => value === 1).length);
    }
    expect(seen).toEqual(new Set([0, 1]));
  });
});

describe('a flip', () => {
  it('exchanges left and right of every row, as often as it says', () => {
    const flip = randomHorizontalFlip(0.25);
    let flipped = 0;
    for (let i = 0; i < 1000; i++) {
      const result = flip(Tensor.from('float32', [1, 2, 3, 4, 5, 6], [1, 2, 3]), new Random(7, i)).toArray();
      if (result[0] === 3) flipped++;
      expect([[1, 2, 3, 4, 5, 6].join(), [3, 2, 1, 6, 5, 4].join()]).toContain(result.join());
    }
    // Four standard deviations of as many throws.
    expect(Math.abs(flipped - 250)).toBeLessThan(4 * Math.sqrt(1000 * 0.25 * 0.75));
  });
});

describe('pixels', () => {
  it('of bytes become numbers from 0 to 1, then less their mean by their deviation', () => {
    const bytes = Tensor.from('uint8', [0, 51, 255, 102], [2, 1, 2]);
    const random = new Random(0);
    const colors = convertImageDtype()(bytes, random);
    expect(colors.toArray()).toEqual([0, 51 / 255, 1, 102 / 255].map(Math.fround));
    const normalized = normalize([0.5, 0.25], [0.5, 2])(colors, random).toArray();
    [-1, -0.6, 0.375, 0.075].forEach((value, i) => {
      expect(normalized[i]).toBeCloseTo(value, 6);
    });
  });

  it('change in brightness and contrast within the limits, in both orders', () => {
    const jitter = colorJitter({ brightness: 0.5, contrast: 0.5 });
    const ratios: number[] = [];
    for (let i = 0; i < 300; i++) {
      const [a, b] = jitter(Tensor.from('float32', [0.2, 0.4], [1, 1, 2]), new Random(3, i)).toArray();
      // Contrast keeps the mean, 0.3, which brightness multiplies; brightness and contrast multiply the distance, 0.2.
      ratios.push((a + b) / 0.6);
      expect(b - a).toBeGreaterThan(0.2 * 0.5 * 0.5 - 1e-6);
      expect(b - a).toBeLessThan(0.2 * 1.5 * 1.5 + 1e-6);
    }
    expect(Math.min(...ratios)).toBeLessThan(0.55);
    expect(Math.min(...ratios)).toBeGreaterThan(0.5 - 1e-6);
    expect(Math.max(...ratios)).toBeGreaterThan(1.45);
    expect(Math.max(...ratios)).toBeLessThan(1.5 + 1e-6);
  });
});

const random = new Random(0);
const still: transforms.Affine = { angle: 0, translate: [0, 0], scale: 1 };

it.each<[string, () => unknown, string]>([
  ['a probability above 1', () => randomHorizontalFlip(2), 'probability must be from 0 to 1, got 2'],
  ['a crop of no size', () => randomCrop(0), 'size must be a whole number above 0, got 0'],
  ['a half padding', () => randomCrop(2, { padding: 0.5 }), 'padding must be a whole number above 0'],
  ['an unknown option', () => randomCrop(2, { pading: 1 } as never), 'did you mean "padding"?'],
  ['negative degrees', () => randomAffine({ degrees: -1 }), 'degrees must be 0 or more'],
  ['a scale of 0', () => randomAffine({ degrees: 0, scale: [0, 1] }), 'scale must be above 0, got 0'],
  [
    'one scale',
    () => randomAffine({ degrees: 0, scale: [1] as never }),
    'scale must be two numbers, got [ 1 ]',
  ],
  [
    'one share',
    () => randomAffine({ degrees: 0, translate: [0.1] as never }),
    'translate must be two numbers',
  ],
  ['no list of shares', () => randomAffine({ degrees: 0, translate: 0.1 as never }), 'two numbers, got 0.1'],
  ['an angle of NaN', () => affine(image('two'), { ...still, angle: Number.NaN }), 'angle must be a number'],
  ['to scale to nothing', () => affine(image('two'), { ...still, scale: 0 }), 'scale must be above 0, got 0'],
  // Its inverse is infinite in float64, too.
  ['the smallest scale', () => affine(image('two'), { ...still, scale: 5e-324 }), 'scale must be above 0'],
  [
    'to move by NaN',
    () => affine(image('two'), { ...still, translate: [0, Number.NaN] }),
    'translate must be a number, got NaN',
  ],
  ['no movement', () => affine(image('two'), undefined as never), 'affine: options must be an object'],
  [
    'to fill with what float32 has not',
    () => affine(image('two'), still, 1e39),
    'fill must be finite in float32',
  ],
  ['a padding of 1e39', () => randomCrop(2, { padding: 1, fill: 1e39 }), 'fill must be finite in float32'],
  ['three sizes', () => randomCrop([2, 2, 2] as never), 'size must be two numbers, got [ 2, 2, 2 ]'],
  ['no size', () => randomCrop(undefined as never), 'size must be two numbers, got undefined'],
  [
    'a brightness of NaN',
    () => adjustBrightness(image('two'), Number.NaN),
    'factor must be 0 or more, got NaN',
  ],
  ['a negative contrast by hand', () => adjustContrast(image('two'), -1), 'factor must be 0 or more, got -1'],
  ['a negative contrast', () => colorJitter({ contrast: -1 }), 'contrast must be 0 or more'],
  ['a deviation of 0', () => normalize([0], [0]), 'std must be a list of numbers, none of them 0, got 0'],
  ['a deviation that float32 has not', () => normalize([0], [1e-50]), 'none of them 0, got 1e-50'],
  ['a mean that float32 has not', () => normalize([1e39], [1]), 'mean must be finite in float32'],
  ['no mean', () => normalize([], [1]), 'mean must be a list of numbers, got []'],
  [
    'two means for three channels',
    () => normalize([0, 0], [1])(image('color'), random),
    'mean has 2 numbers, but the image 3 channels',
  ],
  [
    'bytes',
    () => randomHorizontalFlip()(Tensor.zeros('uint8', [3, 2, 2]), random),
    'got uint8 [3, 2, 2]; convertImageDtype() comes first',
  ],
  ['no image', () => randomCrop(1)(Tensor.zeros('float32', [4]), random), 'got float32 [4]'],
  [
    'an image that is too small',
    () => randomCrop(8)(image('color'), random),
    'the image is 7 x 9 with a padding of 0, smaller than 8 x 8',
  ],
  ['integers', () => convertImageDtype()(Tensor.zeros('int32', [1, 1, 1]), random), 'got int32'],
])('a transform refuses %s', (_, make, message) => {
  expect(make).toThrow(message);
});
