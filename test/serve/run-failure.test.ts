import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SymInt } from '../../lib/graph/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { serve } from '../../lib/serve/index.ts';
import { failureOf } from '../../lib/serve/inference/run-failure.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { slowNet } from '../support/models.ts';
import { ask, withBytes } from './client.ts';

it('a request that takes more memory than there is, is not the client’s fault', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  try {
    // Of n rows it makes n x n numbers: more than addresses reach, 128 TiB.
    const b = new GraphBuilder();
    const x = b.input('x', [new SymInt(['s0']), 2]);
    const products = b.call('aten.matmul.default', x, b.call('aten.transpose.int', x, 0, 1));
    const result = b.call('aten.mean.dim', b.call('aten.tanh.default', products), [1]);
    {
      using model = compile(b.finish(result));
      await model.save(join(folder, 'gram.octavo'));
    }
    await using server = await serve({ models: folder, port: 0 });
    const rows = 6_500_000;
    const size = rows * 2 * 4;
    const input = { name: 'x', datatype: 'FP32', shape: [rows, 2], parameters: { binary_data_size: size } };
    const answer = await ask(
      server,
      '/models/gram/infer',
      ...withBytes({ inputs: [input], parameters: { binary_data_output: true } }, new Uint8Array(size)),
    );
    expect(answer.json.error).toMatch(/not enough memory/);
    expect(answer.status).toBe(500);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('a model that is gone is not the client’s fault', async () => {
  const model = compile(slowNet(12));
  const image = uniform([1, 16, 64, 64], -1, 1, 1);
  await model.warmup(image.shape);
  const requests = Array.from({ length: 4 * model.streams }, () => model.run(image));
  const settled = Promise.allSettled(requests);
  model.dispose();
  requests.push(model.run(image));
  const failures = (await Promise.allSettled([settled, ...requests])).flatMap((each) =>
    each.status === 'rejected' ? [failureOf(each.reason)] : [],
  );
  expect(failures.length).toBeGreaterThan(1);
  for (const failure of failures) expect(failure.status).toBe(503);
});

it('inputs that do not fit are the client’s fault', async () => {
  using model = compile(slowNet(1));
  const failure = await model.run(uniform([1, 2], -1, 1, 1)).catch(failureOf);
  expect(failure).toMatchObject({ status: 400, name: 'ProtocolError' });
});
