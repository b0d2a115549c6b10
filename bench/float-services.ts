import { basename } from 'node:path';
import type { Service } from './fresh-process.ts';

/**
 * A float network as other tools write it, which is compiled as it is loaded, and ONNX Runtime's session of the same.
 * @param pt2 paths of `.pt2` files of that network, separated by commas.
 */
export function floatServices(
  onnx: string,
  pt2: string,
  threads: number,
): readonly (readonly [name: string, Service])[] {
  const sources = [onnx, ...pt2.split(',').filter((path) => path !== '')];
  return [
    ...sources.map((file): [string, Service] => [
      `Octavo float, ${basename(file)}`,
      { engine: 'octavo from source', file, threads },
    ]),
    ['ONNX Runtime float', { engine: 'onnxruntime', file: onnx, threads }],
  ];
}
