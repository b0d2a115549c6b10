import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Graph, GraphModule } from '../../lib/graph/index.ts';
import { compile, loadModel } from '../../lib/runtime/index.ts';

describe('a model’s metadata', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  function relu(): GraphModule {
    const graph = new Graph();
    const x = graph.placeholder('x');
    x.meta.val = { dtype: 'float32', shape: [2] };
    graph.output([graph.callFunction('aten.relu.default', [x])]);
    return new GraphModule(graph);
  }

  it('is text, or refused before anything is written', () => {
    const metadata = { epochs: 3 } as unknown as Record<string, string>;
    expect(() => compile(relu(), { metadata })).toThrow("metadata 'epochs' must be a string, got number");
  });

  it('stays as it was, as the tuning does, whatever becomes of the objects they were given in', async () => {
    const path = join(folder, 'relu.octavo');
    const metadata: Record<string, unknown> = { labels: 'a,b' };
    const threads = [{ shapes: [[2]], choice: 1, times: { 1: 0.5 } as Record<string, number> }];
    const tuning = { layers: [], threads, parts: [], kernels: [] };
    using model = compile(relu(), { metadata: metadata as Record<string, string>, tuning });
    metadata.epochs = 3;
    threads[0].choice = 0;
    threads[0].times[2] = -1;
    threads.push(threads[0]);
    expect(() => Object.assign(model.metadata, metadata)).toThrow(TypeError);
    expect(() => Object.assign(model.tuning.threads[0], threads[0])).toThrow(TypeError);
    await model.save(path);
    using loaded = await loadModel(path);
    expect(loaded.metadata).toEqual({ labels: 'a,b' });
    expect(loaded.tuning.threads).toEqual([{ shapes: [[2]], choice: 1, times: { 1: 0.5 } }]);
  });

  it('stands beside a tuning that can be written as it is', () => {
    const threads = [{ shapes: [[2]], choice: 1, times: { 1: Number.POSITIVE_INFINITY } }];
    const tuning = { layers: [], threads, parts: [], kernels: [] };
    expect(() => compile(relu(), { tuning })).toThrow('times.1 must be a time in milliseconds');
  });

  it.each([[{ labels: 'a,b', 'ünicode "name"': '\n' }], [undefined]])(
    '%j is saved and loaded',
    async (metadata) => {
      const path = join(folder, 'relu.octavo');
      using model = compile(relu(), metadata ? { metadata } : {});
      await model.save(path);
      using loaded = await loadModel(path);
      expect(loaded.metadata).toEqual(metadata ?? {});
    },
  );
});
