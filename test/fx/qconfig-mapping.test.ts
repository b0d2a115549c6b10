import { describe, expect, it } from 'vitest';
import * as octavo from '../../lib/index.ts';
import {
  exportModel,
  type GraphModule,
  HistogramObserver,
  MinMaxObserver,
  type Node,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';

const F = nn.functional;
const { QConfig, QConfigMapping } = octavo;

/** A configuration that is told apart by its smallest scale. */
const marked = (eps: number) =>
  new QConfig({ activation: HistogramObserver.withArgs({ eps }), weight: octavo.defaultWeightObserver });

const [one, two, three, four, five] = [1, 2, 3, 4, 5].map(marked) as [
  octavo.QConfig,
  octavo.QConfig,
  octavo.QConfig,
  octavo.QConfig,
  octavo.QConfig,
];

class Part extends nn.Module {
  readonly fc = new nn.Linear(4, 4);

  override forward(x: nn.Value): nn.Value {
    return F.relu(F.mul(this.fc.call(x), this.fc.call(x)));
  }
}

class Whole extends nn.Module {
  readonly part1 = new Part();
  readonly part2 = new Part();
  readonly fc = new nn.Linear(4, 4);

  override forward(x: nn.Value): nn.Value {
    return this.fc.call(this.part2.call(this.part1.call(x)));
  }
}

const x = { dtype: 'float32', shape: [2, 4] } as const;
const captured = () => exportModel(new Whole().eval(), { x });

/** As of a file that has operators alone. */
function unnamed(): GraphModule {
  const module = captured();
  for (const { meta } of module.graph.nodes) {
    delete meta.sourceFnStack;
    delete meta.nnModuleStack;
  }
  return module;
}

/** By node, the smallest scale of the observer of its result. Results of `linear` have numbers in the order of calls. */
function outputs(prepared: GraphModule): Record<string, number> {
  const observers = prepared.graph.nodes.filter(({ op }) => op === 'call_module');
  return Object.fromEntries(
    observers
      .map((node) => [node.args[0] as Node, prepared.module(node.target) as HistogramObserver] as const)
      .filter(([{ op }]) => op === 'call_function')
      .map(([{ name }, { eps }]) => [name, eps]),
  );
}

const prepared = (mapping: octavo.QConfigMapping, model = captured()) =>
  outputs(octavo.prepareFx(model, mapping, {}));

describe('QConfigMapping', () => {
  it('gives the more particular configuration precedence, whatever was set first', () => {
    const mapping = new QConfigMapping()
      .setModuleNameObjectTypeOrder('part1', nn.Linear, 1, five)
      .setModuleName('part1.fc', four)
      .setModuleNameRegex('part[12]', three)
      .setObjectType(nn.Linear, two)
      .setGlobal(one);
    expect(prepared(mapping)).toEqual({
      linear: 4,
      linear_1: 5,
      // Of a product and the ReLU after it, the last function's counts.
      relu: 3,
      linear_2: 3,
      linear_3: 3,
      relu_1: 3,
      linear_4: 2,
    });
  });

  it('takes the name of a module around, and the first expression that matches from the beginning', () => {
    const mapping = new QConfigMapping()
      .setGlobal(one)
      .setModuleName('part1', two)
      .setModuleNameRegex('art2', five)
      .setModuleNameRegex(/part\d\.f/, three)
      .setModuleNameRegex('part', four);
    expect(prepared(mapping)).toEqual({
      ...{ linear: 2, linear_1: 2, relu: 2 },
      ...{ linear_2: 3, linear_3: 3, relu_1: 4 },
      linear_4: 1,
    });
  });

  it('takes types in every form of their name, and null leaves in float', () => {
    for (const linear of [
      nn.Linear,
      'torch.nn.Linear',
      'nn.Linear',
      'Linear',
      'torch.nn.modules.linear.Linear',
    ]) {
      const { linear_4, relu } = prepared(new QConfigMapping().setGlobal(one).setObjectType(linear, two));
      expect([linear_4, relu]).toEqual([2, 1]);
    }
    for (const relu of [F.relu, 'F.relu', 'torch.nn.functional.relu'])
      expect(prepared(new QConfigMapping().setGlobal(one).setObjectType(relu, two)).relu).toBe(2);
    // The function and the method are others.
    for (const relu of ['torch.relu', 'relu', nn.ReLU])
      expect(prepared(new QConfigMapping().setGlobal(one).setObjectType(relu, two)).relu).toBe(1);
    const without = new QConfigMapping().setGlobal(one).setObjectType(nn.Linear, null);
    expect(prepared(without)).not.toHaveProperty('linear_4');
  });

  it("takes the type of the user's module for the functions that it calls", () => {
    const mapping = new QConfigMapping().setGlobal(one).setObjectType(Part, two).setObjectType(F.relu, three);
    expect(prepared(mapping)).toMatchObject({ linear: 1, relu: 2, relu_1: 2 });
  });

  it('goes by operators in a graph that does not say what it was traced from', () => {
    const mapping = new QConfigMapping().setGlobal(one).setObjectType(nn.Linear, two);
    expect(prepared(mapping, unnamed())).toMatchObject({ linear: 2, linear_4: 2, relu: 1 });
  });

  it('says what a configuration is, a type, a number, an expression', () => {
    const mapping = new QConfigMapping();
    expect(() => mapping.setGlobal({ activation: MinMaxObserver } as never)).toThrow(
      'QConfigMapping: a configuration is a QConfig, such as getDefaultQconfig() gives, or null; got',
    );
    expect(() => mapping.setObjectType(5 as never, null)).toThrow(
      'expected a module class, a function or its name',
    );
    expect(() => mapping.setModuleNameObjectTypeOrder('a', nn.Linear, -1, null)).toThrow(
      'index must be a whole number from 0, got -1',
    );
    expect(() => mapping.setModuleNameRegex('(', null)).toThrow('Invalid regular expression');
  });

  it('refuses types that are fused and configured differently', () => {
    const model = exportModel(new nn.Sequential(new nn.Linear(4, 4), new nn.ReLU()).eval(), { x });
    const mapping = new QConfigMapping().setGlobal(one).setObjectType(nn.Linear, two);
    expect(() => octavo.prepareFx(model, mapping, {})).toThrow(
      "torch.nn.Linear and torch.nn.ReLU are quantized together in '0', so their types need the same configuration",
    );
    mapping.setObjectType(nn.ReLU, two);
    expect(outputs(octavo.prepareFx(model, mapping, {}))).toEqual({ relu: 2 });
  });
});
