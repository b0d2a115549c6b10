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
