import { writeNpz } from '../../lib/formats/npz.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { random } from './graph-builder.ts';

/** A .npz of images of ten classes that differ in one color's brightness, which is easy to learn; `label` may say otherwise. */
export function colorImages(count: number, label = (i: number) => i % 10): Promise<Uint8Array> {
  const next = random(count);
  const pixels = new Uint8Array(count * 3072).map((_, i) => {
    const bright = Math.floor(i / 1024) % 3 === 0 ? 20 * (Math.floor(i / 3072) % 10) : 100;
    return bright + 50 * next();
  });
  const y = Tensor.from(
    'uint8',
    Array.from({ length: count }, (_, i) => label(i)),
  );
  return writeNpz({ x: new Tensor('uint8', pixels, [count, 3, 32, 32]), y });
}
