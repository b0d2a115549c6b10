import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { capturePattern, exportModel, type PatternFunction } from '../../lib/capture/index.ts';
import {
  Graph,
  type Node,
  SubgraphMatcher,
  type SubgraphMatcherOptions,
  SubgraphMatcherWithNameNodeMap,
} from '../../lib/graph/index.ts';
import * as nn from '../../lib/nn/index.ts';

const F = nn.functional;
type Body = (...inputs: nn.Value[]) => nn.Value | readonly nn.Value[];

class Model extends nn.Module {
  readonly #body: Body;
  constructor(body: Body) {
    super();
    this.#body = body;
  }
  override forward(...inputs: nn.Value[]) {
    return this.#body(...inputs);
  }
}

const image = { dtype: 'float32', shape: [1, 3, 8, 8] } as const;
const kernel = { dtype: 'float32', shape: [3, 3, 1, 1] } as const;
const inputs = { a_0: image, a_1: kernel };
const images = { a_0: image, a_1: image };

const graphOf = (body: Body, examples = inputs as Parameters<typeof exportModel>[1]) =>
  exportModel(new Model(body).eval(), examples).graph;

function matches(
  pattern: PatternFunction,
  graph: Graph,
  examples: Parameters<typeof exportModel>[1] = inputs,
  options: SubgraphMatcherOptions = {},
) {
  const some = Object.fromEntries(Object.entries(examples).slice(0, pattern.length));
  const found = new SubgraphMatcherWithNameNodeMap(capturePattern(pattern, some), operators, options);
  return found.match(graph).map(({ nameNodeMap, placeholderNodes, returningNodes }) => ({
    names: Object.fromEntries([...nameNodeMap].map(([name, node]) => [name, node.name])),
    placeholders: placeholderNodes.map((arg) => String(arg)),
    returning: returningNodes.map(String),
  }));
}

const relus: PatternFunction = (x) => {
  const a = F.relu(x);
  const b = F.relu(a);
  return [b, { a, b }];
};
const fourRelus: Body = (x) => F.relu(F.relu(F.relu(F.relu(x))));
const pool: PatternFunction = (x) => {
  const pooled = F.maxPool2d(x, 2);
  return [pooled, { pool: pooled }];
};
const pools: Body = (x) => [F.maxPool2d(x, 2), F.maxPool2d(x, 4), F.maxPool2d(x, 2, { stride: 2 })];
const additions: Body = (a, b) => [F.mul(F.relu(F.add(a, b)), 2), F.relu(F.add(a, a)), F.relu(F.add(a, 1))];

/** Patterns and graphs that the same code in Python was run for. */
const cases: Readonly<
  Record<string, readonly [PatternFunction, Body, Parameters<typeof exportModel>[1], SubgraphMatcherOptions?]>
> = {
  chain: [
    (x, weight) => {
      const conv = F.conv2d(x, weight);
      const relu = F.relu(conv);
      return [relu, { conv, relu }];
    },
    (x, weight) => {
      const a = F.relu(F.conv2d(x, weight));
      const b = F.relu(F.conv2d(a, weight));
      const c = F.conv2d(b, weight);
      const d = F.relu(c);
      return [F.add(a, b), F.add(c, d)];
    },
    inputs,
  ],
  add: [
    (a, b) => {
      const add = F.add(a, b);
      const relu = F.relu(add);
      return [relu, { add, relu }];
    },
    additions,
    images,
  ],
  overlap: [relus, fourRelus, inputs],
  'overlap kept': [relus, fourRelus, inputs, { removeOverlappingMatches: false }],
  'two outputs': [
    (x, weight) => {
      const conv = F.conv2d(x, weight);
      return [F.relu(conv), F.sigmoid(conv), { conv }];
    },
    (x, weight) => {
      const c = F.conv2d(x, weight);
      const d = F.conv2d(x, weight);
      return [F.relu(c), F.sigmoid(c), F.relu(d), F.sigmoid(d)];
    },
    inputs,
  ],
  cycle: [
    (x, y) => {
      const a = F.relu(x);
      const b = F.add(a, y);
      return [b, a, { a, b }];
    },
    (x, y) => {
      const a = F.relu(x);
      return [F.add(a, F.sigmoid(a)), F.add(F.relu(y), x)];
    },
    images,
  ],
  same: [
    (x) => {
      const b = F.add(x, x);
      return [b, { b }];
    },
    additions,
    images,
  ],
  inplace: [
    (x, weight) => {
      const conv = F.conv2d(x, weight);
      return [F.relu(conv, { inplace: true }), { conv }];
    },
    (x, weight) => [F.relu(F.conv2d(x, weight), { inplace: true }), F.relu(F.conv2d(x, weight))],
    inputs,
  ],
  pool: [pool, pools, inputs],
  'pool ignore': [pool, pools, inputs, { ignoreLiterals: true }],
};
const golden = JSON.parse(
  readFileSync(new URL('../fixtures/graph/subgraph_matches.json', import.meta.url), 'utf8'),
);

describe('SubgraphMatcherWithNameNodeMap', () => {
  it.each(Object.entries(cases))(
    'finds what PyTorch finds: %s',
    (name, [pattern, body, examples, options]) => {
      const found = matches(pattern, graphOf(body, examples), examples, options);
      // Python prints the literal as a float.
      expect(JSON.parse(JSON.stringify(found).replaceAll('"1"', '"1.0"'))).toEqual(golden[name]);
    },
  );

  it('takes commutative operands in either order, also where that shows only later', () => {
    const residual: PatternFunction = (x, y) => {
      const summands = F.add(F.relu(x), F.relu(y));
      return [F.mul(summands, F.sigmoid(x)), { sum: summands }];
    };
    const graph = graphOf((x, y) => F.mul(F.sigmoid(y), F.add(F.relu(x), F.relu(y))), images);
    expect(matches(residual, graph, images)).toEqual([
      { names: { sum: 'add' }, placeholders: ['a_1', 'a_0'], returning: ['mul'] },
    ]);
    const difference: PatternFunction = (x, y) => [F.sub(F.relu(x), y), {}];
    expect(
      matches(
        difference,
        graphOf((x, y) => F.sub(y, F.relu(x)), images),
        images,
      ),
    ).toEqual([]);
  });

  it('does not swap operands that alpha treats differently', () => {
    const graph = new Graph();
    const [x, y] = [graph.placeholder('x'), graph.placeholder('y')];
    const relu = graph.callFunction('aten.relu.default', [y]);
    const add = (args: Node[], alpha?: number) =>
      graph.callFunction('aten.add.Tensor', args, alpha === undefined ? {} : { alpha });
    graph.output([add([x, relu]), add([x, relu], 2), add([relu, x], 2)]);
    const pattern: PatternFunction = (a, b) => [F.add(F.relu(a), b), {}];
    const found = (ignoreLiterals: boolean) =>
      matches(pattern, graph, images, { ignoreLiterals, removeOverlappingMatches: false });
    // relu leaves every match: three additions use it.
    expect(found(true)).toEqual([]);
    const returned: PatternFunction = (a, b) => {
      const inner = F.relu(a);
      return [F.add(inner, b), inner, {}];
    };
    const sums = (ignoreLiterals: boolean) =>
      matches(returned, graph, images, { ignoreLiterals, removeOverlappingMatches: false }).map(
        ({ returning }) => returning[0],
      );
    expect(sums(false)).toEqual(['add_tensor']);
    expect(sums(true)).toEqual(['add_tensor', 'add_tensor_2']);
  });

  it('finds patterns whatever order independent nodes are in', () => {
    const pattern: PatternFunction = (x) => [F.add(F.sigmoid(x), F.tanh(x)), {}];
    const graph = graphOf((x) => {
      const later = F.tanh(x);
      const other = F.relu(x);
      const sum = F.add(later, F.sigmoid(x));
      return F.mul(other, sum);
    });
    expect(matches(pattern, graph).map(({ returning }) => returning)).toEqual([['add']]);
  });

  it('compares calls by their schema, however they are written', () => {
    const graph = new Graph();
    const x = graph.placeholder('x');
    const weight = graph.placeholder('weight');
    graph.output([
      graph.callFunction('aten.conv2d.default', [x, weight, null, [1, 1]], { groups: 1 }, 'conv'),
    ]);
    const pattern: PatternFunction = (a, b) => {
      const conv = F.conv2d(a, b);
      return [conv, { conv }];
    };
    expect(matches(pattern, graph)).toHaveLength(1);
  });

  it('refuses patterns that cannot match', () => {
    expect(() => matches((x, y) => [F.relu(x), { y }], graphOf(fourRelus), images)).toThrow(
      /'a_1' leads to none/,
    );
    expect(() => matches((x) => [x, {}], graphOf(fourRelus))).toThrow(/no operator/);
    expect(() => capturePattern(() => [{}], {})).toThrow(/must return \[result/);
  });
});

describe('SubgraphMatcher', () => {
  it('matches inputs with inputs only, when asked to', () => {
    const pattern = graphOf((x) => F.relu(x), { a_0: image });
    const placeholders = (matchPlaceholder: boolean) =>
      new SubgraphMatcher(pattern, operators, { matchPlaceholder }).match(graphOf(fourRelus)).length;
    expect([placeholders(false), placeholders(true)]).toEqual([4, 1]);
  });
});
