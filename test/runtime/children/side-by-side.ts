// Compiles a model between two others and disposes of it. Prints the resident memory in MiB that this gave back, and
// whether the others compute what they did before.
import { compile } from '../../../lib/runtime/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';

/** Convolutions of [1, channels, 4, 4]; each packs 36 * channels^2 bytes of weights. */
function model(channels: number, layers: number) {
  const b = new GraphBuilder();
  let x = b.input('x', [1, channels, 4, 4]);
  for (let i = 0; i < layers; i++) {
    const weight = b.constant(`w${i}`, uniform([channels, channels, 3, 3], -0.1, 0.1, i));
    x = b.call('aten.conv2d.default', x, weight, null, [1, 1], [1, 1]);
  }
  return compile(b.finish(x), { threadsPerStream: 1 });
}
const input = (channels: number) => uniform([1, channels, 4, 4], -1, 1, 9);
const resident = () => process.memoryUsage.rss() / 2 ** 20;

const small = [model(24, 3), model(24, 3)];
const large = model(512, 4);
const resultsOf = () =>
  small.map((m) =>
    Object.values(m.runSync({ x: input(24) }))[0]
      .toArray()
      .join(),
  );

// One of the small ones packs its weights before the large one does, the other after it.
small[0].runSync({ x: input(24) });
large.runSync({ x: input(512) });
const before = resultsOf();
// What JavaScript still had of the weights is freed beside it, not at once.
for (let i = 0; i < 3; i++) {
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 100));
}
const most = resident();
large.dispose();
const freed = most - resident();
console.log(JSON.stringify({ freed, same: before.join() === resultsOf().join() }));
