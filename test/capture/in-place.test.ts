import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { isInPlace, MemoryTracker } from '../../lib/capture/in-place.ts';
import { type Argument, Graph, type Node, parseSchema } from '../../lib/graph/index.ts';

describe('sharesMemory', () => {
  // As native_functions.yaml marks them.
  it.each([
    ['aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)', true],
    ['aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]', true],
    ['aten::relu_(Tensor(a!) self) -> Tensor(a!)', true],
    ['aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor', false],
    ['aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor', false],
  ])('%s: %s', (schema, shares) => {
    expect(parseSchema(schema).sharesMemory).toBe(shares);
  });

  it('says so of dropout, which returns its input in inference', () => {
    const shares = (name: string) => operators.get(`aten.${name}.default`).sharesMemory;
    expect(['dropout', 'feature_dropout', 'view', 'mT', 'detach'].map(shares)).not.toContain(false);
    expect(['clone', 'lift_fresh_copy', '_unsafe_view', 'relu'].map(shares)).not.toContain(true);
  });
});

describe('MemoryTracker', () => {
  /** `view` of x, relu_ on it, and then somebody reads x. */
  function readAfterWrite(view: string, ...args: readonly Argument[]): () => void {
    const graph = new Graph();
    const memory = new MemoryTracker();
    const add = (node: Node) => {
      memory.add(node);
      return node;
    };
    const x = add(graph.placeholder('x'));
    const viewed = add(graph.callFunction(view, [x, ...args], {}, 'viewed'));
    add(graph.callFunction('aten.relu_.default', [viewed]));
    return () => memory.checkRead('reader', x);
  }

  it.each<[string, ...Argument[]]>([
    ['aten.view.default', [6]],
    ['aten.mT.default'],
    ['aten.expand_as.default', 1],
    ['aten.dropout.default', 0.5, false],
    ['aten.detach_.default'],
    ['operator.getitem', 0],
  ])('refuses to read what was written through %s', (view, ...args) => {
    expect(readAfterWrite(view, ...args)).toThrow(
      "node 'reader' reads 'x' after 'relu__default' (aten.relu_.default) wrote its memory through a view",
    );
  });

  it.each(['aten.clone.default', 'aten.abs.default', 'custom.unknown.default'])(
    'lets others read what %s copied',
    (copy) => {
      expect(readAfterWrite(copy)).not.toThrow();
    },
  );

  it('detach_ writes nothing', () => {
    expect([isInPlace('aten.detach_.default'), isInPlace('aten.relu_.default')]).toEqual([false, true]);
  });
});
