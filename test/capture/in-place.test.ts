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
    expect(['dropout', 'feature_dropout', 'view', 'mT', 'detach', 'atleast_2d'].map(shares)).not.toContain(
      false,
    );
    expect(['clone', 'lift_fresh_copy', '_unsafe_view', 'relu', 'view_copy'].map(shares)).not.toContain(true);
  });
});

describe('MemoryTracker', () => {
  /** A graph that calls operators on each other's results, as a program of in-place operators means them. */
  function program() {
    const graph = new Graph();
    const memory = new MemoryTracker(graph);
    const define = (node: Node) => {
      if (!node.meta.val) node.meta.val = { dtype: 'float32', shape: [2, 3] };
      memory.add(node);
      return node;
    };
    const call = (target: string, self: Node, ...args: readonly Argument[]) =>
      define(graph.callFunction(target, [memory.current(self), ...args]));
    return { x: define(graph.placeholder('x')), call, read: (node: Node) => memory.current(node), graph };
  }

  it.each<[string, ...Argument[]]>([
    ['aten.contiguous.default'],
    ['aten.reshape.default', [6]],
    ['aten.expand.default', [4, 2, 3]],
  ])('refuses to read what was written through %s', (view, ...args) => {
    const { x, call, read } = program();
    const viewed = call(view, x, ...args);
    call('aten.relu_.default', viewed);
    expect(() => read(x)).toThrow(
      `'relu__default' (aten.relu_.default) writes the memory of 'x' through '${viewed}' (${view}), and it is read afterwards`,
    );
  });

  it.each(['aten.clone.default', 'aten.abs.default', 'custom.unknown.default'])(
    'lets others read what %s copied',
    (copy) => {
      const { x, call, read } = program();
      call('aten.relu_.default', call(copy, x));
      expect(read(x)).toBe(x);
    },
  );

  it('adds nothing for a view that only its writer reads', () => {
    const { x, call, read, graph } = program();
    const viewed = call('aten.reshape.default', x, [6]);
    const written = call('aten.relu_.default', viewed);
    expect(read(viewed)).toBe(written);
    expect(graph.nodes).toHaveLength(3);
  });

  it('refuses to write a parameter, also through a view', () => {
    const graph = new Graph();
    const memory = new MemoryTracker(graph);
    const add = (node: Node) => {
      memory.add(node);
      return node;
    };
    const viewed = add(graph.callFunction('aten.view.default', [add(graph.getAttr('weight')), [6]]));
    expect(() => add(graph.callFunction('aten.zero_.default', [viewed]))).toThrow(
      "node 'zero__default' (aten.zero_.default) writes the parameter or buffer 'weight'",
    );
  });

  it('detach_ writes nothing', () => {
    expect([isInPlace('aten.detach_.default'), isInPlace('aten.relu_.default')]).toEqual([false, true]);
  });
});
