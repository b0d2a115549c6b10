import { expect, it } from 'vitest';
import { GET_ITEM, type GraphModule, SymInt } from '../../lib/graph/index.ts';
import { type CompileOptions, compile, type ModelInputs } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { earlyAndLate, lookups, slowNet } from '../support/models.ts';
import { runningRequest } from '../support/running-request.ts';

/** The code of the Error that a request is rejected with, asynchronously and synchronously. */
async function codesOf(module: GraphModule, inputs: ModelInputs, options: CompileOptions = {}) {
  using model = compile(module, options);
  const code = (error: unknown) => (error as NodeJS.ErrnoException).code;
  const later = await model.run(inputs).then(() => 'none', code);
  try {
    model.runSync(inputs);
    return [later, 'none'];
  } catch (error) {
    return [later, code(error)];
  }
}

const both = (code: string | undefined) => [code, code];
const invalid = both('ERR_OCTAVO_INVALID_INPUT');

it('inputs of another shape, dtype or name are the caller’s fault', async () => {
  expect(await codesOf(slowNet(1), uniform([1, 2], -1, 1, 1))).toEqual(invalid);
  expect(await codesOf(slowNet(1), Tensor.zeros('int8', [1, 16, 64, 64]))).toEqual(invalid);
  expect(await codesOf(slowNet(1), { y: uniform([1, 16, 64, 64], -1, 1, 1) })).toEqual(invalid);
  using model = compile(slowNet(1));
  await expect(model.warmup([1, 2])).rejects.toMatchObject({ code: 'ERR_OCTAVO_INVALID_INPUT' });
});

it('so is a size that an operator does not take, though no range forbids it', async () => {
  const b = new GraphBuilder();
  const sixth = b.finish(b.call('aten.select.int', b.input('x', [1, new SymInt(['width'])]), 1, 5));
  expect(await codesOf(sixth, uniform([1, 6], -1, 1, 1))).toEqual(both('none'));
  expect(await codesOf(sixth, uniform([1, 5], -1, 1, 1))).toEqual(invalid);
});

it('so are values, whichever step refuses them', async () => {
  const indices = new Array(256).fill(0).with(255, 8);
  expect(await codesOf(lookups(), Tensor.from('int64', indices, [1, 256]))).toEqual(invalid);
  const b = new GraphBuilder();
  const x = b.input('x', [4]);
  const chosen = b.call('quantized_decomposed.choose_qparams.tensor', x, -128, 127, 1e-5, 'int8');
  const scale = b.call(GET_ITEM, chosen, 0);
  expect(await codesOf(b.finish(scale), Tensor.from('float32', [0, 1, NaN, 2], [4]))).toEqual(invalid);
});

it('of requests that are computed together, it is the fault of one', async () => {
  using model = compile(lookups(), { streams: 1, threadsPerStream: 1, batching: { maxBatchSize: 4 } });
  await model.warmup([1, 256]);
  const request = (index: number) =>
    model.run(Tensor.from('int64', new Array(256).fill(index), [1, 256])).then(
      () => 'none',
      ({ code }) => code,
    );
  expect(await Promise.all([0, 0, 8, 1, 2].map(request))).toEqual([
    'none',
    'none',
    'ERR_OCTAVO_INVALID_INPUT',
    'none',
    'none',
  ]);
});

it.each(['a result', 'what lies between'])('a want of memory has a code: %s', async (what) => {
  const b = new GraphBuilder();
  const x = b.input('x', [new SymInt(['s0']), 2]);
  const products = b.call('aten.matmul.default', x, b.call('aten.transpose.int', x, 0, 1));
  const tanh = b.call('aten.tanh.default', products);
  const model = b.finish(what === 'a result' ? tanh : b.call('aten.mean.dim', tanh, [1]));
  // 6.5 million squared numbers are more than addresses reach, 128 TiB.
  const rows = Tensor.zeros('float32', [6_500_000, 2]);
  expect(await codesOf(model, rows)).toEqual(both('ERR_OCTAVO_OUT_OF_MEMORY'));
});

it('a model that is gone has a code, for those who waited, too', async () => {
  const model = compile(earlyAndLate(), { streams: 1 });
  const { done } = await runningRequest(model);
  const waiting = model.run(uniform([1, 16, 64, 64], -1, 1, 1));
  const gone = expect(waiting).rejects.toMatchObject({ code: 'ERR_OCTAVO_DISPOSED' });
  model.dispose();
  await gone;
  await done;
  await expect(model.run([])).rejects.toMatchObject({ code: 'ERR_OCTAVO_DISPOSED' });
});

it('a full queue has a code', async () => {
  using model = compile(earlyAndLate(), { streams: 1, maxQueue: 0 });
  const { done } = await runningRequest(model);
  const one = model.run(uniform([1, 16, 64, 64], -1, 1, 1));
  await expect(one).rejects.toMatchObject({ code: 'ERR_OCTAVO_QUEUE_FULL' });
  await done;
});

it('a model that can never run has none', () => {
  const b = new GraphBuilder();
  const ninth = b.constant('ninth', Tensor.from('int64', [9], [1]));
  const row = b.call('aten.embedding.default', b.parameter('table', [4, 2]), ninth);
  const module = b.finish(b.call('aten.add.Tensor', b.input('x', [1, 2]), row));
  const failure = expect(() => compile(module));
  failure.toThrow('index 9 is out of range');
  failure.toThrow(expect.not.objectContaining({ code: expect.anything() }));
});
