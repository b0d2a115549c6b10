/**
 * `npm run bench:amx`: what AMX tiles are worth: Octavo as this CPU runs it, and as oneDNN runs it when it is told to keep
 * to AVX-512, beside ONNX Runtime's int8. Takes the options of `npm run bench`; says so where oneDNN uses no AMX.
 */
import { cpuFeatures } from '../lib/index.ts';
import { prepareChecked } from './agreement.ts';
import type { Entry } from './contestant.ts';
import { runNetworkRace } from './network-race.ts';
import { onnxRuntimeInt8 } from './onnxruntime-types.ts';

/** As far as oneDNN may go without tiles: VNNI for int8, AVX-512 BF16 for bfloat16. */
const withoutTiles = { ONEDNN_MAX_CPU_ISA: 'AVX512_CORE_BF16' };

if (cpuFeatures().oneDnn.isa.includes('amx'))
  await runNetworkRace({
    networks: ['resnet18', 'resnet50', 'mobilenet_v2'],
    prepare: prepareChecked,
    async contestants(files, threads, inputShape) {
      const octavo = Object.entries(files.octavo).flatMap(([name, file]): Entry[] => {
        const entry = { engine: 'octavo', file, threads } as const;
        // Tiles multiply 8-bit integers and bfloat16 alone.
        if (name === 'fp32') return [];
        return [
          { ...entry, name: `${name} AMX` },
          { ...entry, name: `${name} AVX-512`, environment: withoutTiles },
        ];
      });
      const { entry, types } = await onnxRuntimeInt8(files, threads, inputShape);
      return { entries: [...octavo, entry], notes: { 'ORT types': types } };
    },
    ratios(ms) {
      const tiled = Object.keys(ms).filter((name) => name.endsWith(' AMX'));
      const gains = tiled.map((name) => [
        `${name} over AVX-512`,
        ms[name.replace('AMX', 'AVX-512')] / ms[name],
      ]);
      return { ...Object.fromEntries(gains), 'int8 AMX over ORT int8': ms['ORT int8'] / ms['int8 AMX'] };
    },
  });
else
  console.log(
    'bench:amx is skipped: oneDNN uses no AMX, as this CPU has none, the kernel does not grant it, or ONEDNN_MAX_CPU_ISA forbids it.',
  );
