/**
 * `script/bench-inductor`: Octavo against PyTorch's Inductor, both on the oneDNN of one Debian release, in one run. The
 * networks and their weights are the same; each quantizes them by its own recipe. Takes the options of `npm run bench`.
 */
import { join } from 'node:path';
import { writeArtifact } from '../../lib/runtime/artifact.ts';
import { untuned } from '../../lib/runtime/decisions.ts';
import { networkOf } from '../bench-network.ts';
import type { Entry } from '../contestant.ts';
import { runNetworkRace } from '../network-race.ts';
import { int8Ratios } from '../precisions.ts';
import { captureNetwork, writeOctavo } from '../prepare.ts';

await runNetworkRace({
  networks: ['resnet18', 'resnet50', 'mobilenet_v2'],
  async prepare(network, precisions, folder) {
    const { inputShape, recipe } = networkOf(network);
    const module = await captureNetwork(network);
    const captured = join(folder, 'captured');
    await writeArtifact({ module, metadata: {}, tuning: untuned }, captured);
    const octavo = await writeOctavo(module, { inputShape, recipe }, precisions, folder);
    return { inputShape, captured, octavo };
  },
  contestants({ captured, octavo }, threads) {
    const ours = Object.entries(octavo).map(([name, file]): Entry => {
      return { name: `Octavo ${name}`, engine: 'octavo', file, threads };
    });
    const inductor = (['fp32', 'int8'] as const).map((precision): Entry => {
      return { name: `Inductor ${precision}`, engine: `inductor-${precision}`, file: captured, threads };
    });
    return { entries: [...ours, ...inductor] };
  },
  ratios: (ms) => ({
    'int8 over fp32': ms['Octavo fp32'] / ms['Octavo int8'],
    'fp32 over Inductor fp32': ms['Inductor fp32'] / ms['Octavo fp32'],
    ...int8Ratios(ms, 'Inductor int8'),
  }),
});
