import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Graph, GraphModule, type Node } from '../../lib/graph/index.ts';
import {
  DerivedQuantizationSpec,
  type EdgeOrNode,
  FixedQParamsQuantizationSpec,
  HistogramObserver,
  MinMaxObserver,
  QuantizationAnnotation,
  QuantizationSpec,
  type QuantizationSpecBase,
  SharedQuantizationSpec,
} from '../../lib/quantization/index.ts';
import { groupPlaces } from '../../lib/quantization/prepare/sharing.ts';

const spec = (quantMax: number) =>
  new QuantizationSpec({ dtype: 'uint8', quantMin: 0, quantMax, observerOrFakeQuantCtr: MinMaxObserver });
const eight = spec(255);

/** Pairs of inputs feed concatenations: `cat_i` takes inputs `i` and `i + 1`, and all concatenations are summed. */
function chain(length: number): { module: GraphModule; inputs: Node[]; cats: Node[] } {
  const graph = new Graph();
  const inputs = Array.from({ length: length + 1 }, (_, i) => graph.placeholder(`x${i}`));
  const cats = inputs
    .slice(1)
    .map((input, i) => graph.callFunction('aten.cat.default', [[inputs[i], input], 1], {}, `cat_${i}`));
  graph.output(cats);
  return { module: new GraphModule(graph), inputs, cats };
}

const annotate = (
  node: Node,
  inputs: readonly (readonly [Node, QuantizationSpecBase | null])[],
  outputQspec: QuantizationSpecBase | null = null,
  allowImplicitSharing = true,
) => {
  node.meta.quantizationAnnotation = new QuantizationAnnotation({
    inputQspecMap: inputs,
    outputQspec,
    allowImplicitSharing,
    annotated: true,
  });
};

const name = (place: EdgeOrNode) => (Array.isArray(place) ? place.join('>') : String(place));
const sets = (module: GraphModule) =>
  groupPlaces(module)
    .map(({ places }) => places.map(name).sort())
    .sort();

describe('sharing', () => {
  it('joins what PyTorch’s example joins: everything around two concatenations', () => {
    const graph = new Graph();
    const [op1, op2, op3] = ['op1', 'op2', 'op3'].map((n) => graph.placeholder(n));
    const cat1 = graph.callFunction('aten.cat.default', [[op1, op2], 1], {}, 'cat1');
    const cat2 = graph.callFunction('aten.cat.default', [[op3, cat1], 1], {}, 'cat2');
    graph.output([cat2]);
    for (const op of [op1, op2]) annotate(op, [], eight);
    const first = new SharedQuantizationSpec([op1, cat1]);
    const second = new SharedQuantizationSpec([op3, cat2]);
    annotate(
      cat1,
      [
        [op1, eight],
        [op2, first],
      ],
      first,
    );
    annotate(
      cat2,
      [
        [op3, eight],
        [cat1, second],
      ],
      second,
    );
    expect(sets(new GraphModule(graph))).toEqual([
      ['cat1', 'cat1>cat2', 'cat2', 'op1', 'op1>cat1', 'op2', 'op2>cat1', 'op3>cat2'],
    ]);
  });

  it('is transitive, and does not depend on the order of annotations', () => {
    // Each concatenation shares its inputs or not, and may be annotated second input first.
    const link = fc.record({ shares: fc.boolean(), reversed: fc.boolean(), implicit: fc.boolean() });
    fc.assert(
      fc.property(fc.array(link, { minLength: 1, maxLength: 8 }), (links) => {
        const { module, inputs, cats } = chain(links.length);
        links.forEach(({ shares, reversed, implicit }, i) => {
          const shared = new SharedQuantizationSpec([inputs[i], cats[i]]);
          const entries = [
            [inputs[i], eight],
            [inputs[i + 1], shares ? shared : eight],
          ] as const;
          annotate(cats[i], reversed ? entries.toReversed() : entries, null, implicit);
        });
        // Independently: inputs of a sharing pair are joined; a tensor's two edges are, where either side allows it.
        const expected: string[][] = [];
        let group: string[] = [];
        links.forEach(({ shares, implicit }, i) => {
          const [left, right] = [`x${i}>cat_${i}`, `x${i + 1}>cat_${i}`];
          const joinsPrevious = i > 0 && (implicit || links[i - 1].implicit);
          if (!joinsPrevious) {
            if (group.length > 0) expected.push(group);
            group = [];
          }
          group.push(left);
          if (!shares) {
            expected.push(group);
            group = [];
          }
          group.push(right);
        });
        expected.push(group);
        expect(sets(module)).toEqual(expected.map((names) => names.sort()).sort());
      }),
      { seed: 7 },
    );
  });

  it('does not join places whose specifications differ', () => {
    const { module, inputs, cats } = chain(2);
    annotate(cats[0], [[inputs[1], eight]]);
    annotate(cats[1], [[inputs[1], spec(127)]]);
    expect(sets(module)).toEqual([['x1>cat_0'], ['x1>cat_1']]);
  });

  it('joins places that only differ in how they observe', () => {
    const { module, inputs, cats } = chain(2);
    const other = new QuantizationSpec({
      dtype: 'uint8',
      quantMin: 0,
      quantMax: 255,
      observerOrFakeQuantCtr: HistogramObserver,
    });
    annotate(cats[0], [[inputs[1], eight]]);
    annotate(cats[1], [[inputs[1], other]]);
    expect(sets(module)).toEqual([['x1>cat_0', 'x1>cat_1']]);
  });

  it('takes the specification that is referred to, however far, and leaves another of the same tensor alone', () => {
    const { module, inputs, cats } = chain(3);
    const fixed = new FixedQParamsQuantizationSpec({ dtype: 'uint8', scale: 0.5, zeroPoint: 3 });
    const seven = spec(127);
    annotate(inputs[1], [], fixed);
    annotate(cats[0], [[inputs[1], new SharedQuantizationSpec([inputs[2], cats[1]])]]);
    annotate(cats[1], [[inputs[2], new SharedQuantizationSpec([inputs[3], cats[2]])]]);
    annotate(cats[2], [[inputs[3], seven]]);
    const groups = groupPlaces(module).map(({ places, spec }) => [places.map(name), spec]);
    expect(groups).toEqual([
      [['x1'], fixed],
      [['x1>cat_0', 'x2>cat_1', 'x3>cat_2'], seven],
    ]);
  });

  it('keeps parameters apart that are derived from different places', () => {
    const { module, inputs, cats } = chain(2);
    const deriveQparamsFn = () => {
      throw new Error('not asked for here');
    };
    const derived = (cat: Node, input: Node) =>
      new DerivedQuantizationSpec({ derivedFrom: [[input, cat]], deriveQparamsFn, dtype: 'int32' });
    annotate(cats[0], [
      [inputs[0], eight],
      [inputs[1], derived(cats[0], inputs[0])],
    ]);
    annotate(cats[1], [
      [inputs[1], derived(cats[1], inputs[2])],
      [inputs[2], eight],
    ]);
    expect(sets(module)).toEqual([['x0>cat_0'], ['x1>cat_0'], ['x1>cat_1'], ['x2>cat_1']]);
    annotate(cats[1], [[inputs[1], derived(cats[0], inputs[0])]]);
    expect(sets(module)).toEqual([['x0>cat_0'], ['x1>cat_0', 'x1>cat_1']]);
  });

  it('joins a tensor’s edges where what is shared with comes later', () => {
    // torchao's test of implicit sharing with a shared input edge, which its union-find once ran around in.
    const graph = new Graph();
    const x = graph.placeholder('x');
    const clone = graph.callFunction('aten.clone.default', [x], {}, 'clone');
    const eq = graph.callFunction('aten.eq.Tensor', [clone, x], {}, 'eq');
    graph.output([eq]);
    annotate(clone, [[x, eight]], new SharedQuantizationSpec([x, clone]));
    annotate(eq, [
      [clone, eight],
      [x, new SharedQuantizationSpec([clone, eq])],
    ]);
    expect(sets(new GraphModule(graph))).toEqual([['clone', 'clone>eq', 'x>clone', 'x>eq']]);
  });

  it('names a place that is not annotated, and circles', () => {
    const { module, inputs, cats } = chain(2);
    const [a, b] = [
      [inputs[0], cats[0]],
      [inputs[1], cats[0]],
    ] as const;
    annotate(cats[0], [[inputs[0], new SharedQuantizationSpec(b)]]);
    expect(() => groupPlaces(module)).toThrow(
      /\(x0, cat_0\) shares the parameters of \(x1, cat_0\), which is not/,
    );
    annotate(cats[0], [
      [inputs[0], new SharedQuantizationSpec(b)],
      [inputs[1], new SharedQuantizationSpec(a)],
    ]);
    expect(() => groupPlaces(module)).toThrow(/in a circle: \(x0, cat_0\), \(x1, cat_0\)/);
    annotate(cats[0], [[inputs[2], eight]]);
    expect(() => groupPlaces(module)).toThrow(/'cat_0' annotates 'x2' as an input, but does not take it/);
  });
});
