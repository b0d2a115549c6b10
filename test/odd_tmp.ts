import { existsSync } from 'node:fs';
import { operators } from '../lib/aten/index.ts';
import { loadPt2 } from '../lib/capture/index.ts';
import { loadNpz } from '../lib/formats/npz.ts';
import { Interpreter } from '../lib/graph/index.ts';
import { Tensor } from '../lib/tensor/index.ts';
import { compile } from '../lib/runtime/index.ts';
import { lower } from '../lib/lowering/index.ts';
for (const f of process.argv.slice(2)) {
  try {
    const m = await loadPt2(`/tmp/odd/${f}`);
    const npz = `/tmp/odd/${f.replace('.pt2', '.npz')}`;
    if (!existsSync(npz)) { console.log(f, 'loaded', [...m.attributes.keys()].join()); continue; }
    const a = await loadNpz(npz);
    for (const run of [0, 1]) {
      const ins: Tensor[] = [], outs: Tensor[] = [];
      for (let j = 0; a.has(`in${run}_${j}`); j++) ins.push(a.get(`in${run}_${j}`)!);
      for (let j = 0; a.has(`out${run}_${j}`); j++) outs.push(a.get(`out${run}_${j}`)!);
      if (outs.length === 0) continue;
      const c = compile(lower(m).module);
      for (const [how, r] of [['interp', new Interpreter(m, operators).run(ins)], ['plan', Object.values(c.runSync(ins))]] as const) {
        const err = r.map((t, j) => String(t.shape) !== String(outs[j].shape) ? `shape ${t.shape} ${outs[j].shape}` : Math.max(0, ...t.toArray().map((v, k) => Math.abs(v - Number(outs[j].data[k])))));
        console.log(f, how, run, err, m.meta.exampleInputs?.map((t) => `${t.dtype}[${t.shape}]`).join());
      }
      c.dispose();
    }
    if (f.startsWith('views')) { console.log('tied', m.attributes.get('fc1.weight') === m.attributes.get('fc2.weight'), [...m.attributes].map(([k, v]) => `${k}:${v.dtype}[${v.shape}]`).join(' ')); }
  } catch (e) { console.log(f, 'ERROR', (e as Error).message.slice(0, 600)); }
}
