import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter, isCall, type Node } from '../../lib/graph/index.ts';
import {
  convertPt2e,
  DerivedQuantizationSpec,
  disableObserver,
  exportModel,
  FakeQuantize,
  FixedQParamsQuantizationSpec,
  prepareQatPt2e,
  QuantizationAnnotation,
  QuantizationSpec,
  type QuantizationSpecBase,
  Quantizer,
  Tensor,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { relativeError } from '../support/spatial.ts';

const F = nn.functional;

describe('a specification of fixed parameters', () => {
  class Gate extends nn.Module {
    readonly linear = new nn.Linear(4, 3);

    override forward(input: nn.Value): nn.Value {
      return F.sigmoid(this.linear.call(input));
    }
  }

  /** Sigmoids have 256 steps from 0 to 1. */
  class GateQuantizer extends Quantizer {
    override annotate(model: GraphModule): void {
      const outputQspec = new FixedQParamsQuantizationSpec({
        ...{ dtype: 'uint8', quantMin: 0, quantMax: 255 },
        ...{ scale: 1 / 256, zeroPoint: 0 },
      });
      for (const node of model.graph.nodes)
        if (isCall(node, 'aten.sigmoid.default'))
          node.meta.quantizationAnnotation = new QuantizationAnnotation({ outputQspec });
    }

    override validate(): void {}
  }

  it('is rounded by them in training and afterwards', async () => {
    const x = uniform([5, 4], -2, 2, 6);
    const prepared = prepareQatPt2e(exportModel(new Gate().train(), { x }), new GateQuantizer());
    expect([...prepared.modules.values()].map((each) => each.constructor.name)).toEqual([
      'FixedQParamsFakeQuantize',
    ]);
    using trainer = new Trainer(prepared, {
      loss: ([y], { wanted }) => F.mseLoss(y, wanted),
      targets: { wanted: { dtype: 'float32', shape: [5, 3] } },
      optimizer: new SGD({ lr: 0.5 }),
    });
    const wanted = uniform([5, 3], 0, 1, 7);
    const losses: number[] = [];
    for (let i = 0; i < 20; i++) {
      const { loss, outputs } = await trainer.step({ x }, { wanted });
      losses.push(loss);
      for (const value of outputs[0].toArray())
        expect(Number(value) * 256).toBe(Math.round(Number(value) * 256));
    }
    expect(losses.at(-1)!).toBeLessThan(losses[0]);
    const [trained] = new Interpreter(prepared, operators).run([x]);
    const [converted] = new Interpreter(convertPt2e(prepared), operators).run([x]);
    expect(converted.toArray()).toEqual(trained.toArray());
  });
});

describe('a specification of derived parameters', () => {
  class Layer extends nn.Module {
    readonly linear = new nn.Linear(4, 3);

    override forward(input: nn.Value): nn.Value {
      return this.linear.call(input);
    }
  }

  /** The bias has the steps of the products: int32 with the scales of input and weight multiplied. */
  class BiasQuantizer extends Quantizer {
    override annotate(model: GraphModule): void {
      const linear = model.graph.nodes.find((node) => isCall(node, 'aten.linear.default'))!;
      const [input, weight, bias] = linear.args as Node[];
      const spec = (dtype: 'uint8' | 'int8') =>
        new QuantizationSpec({ dtype, qscheme: 'per_tensor_affine', observerOrFakeQuantCtr: FakeQuantize });
      const derived = new DerivedQuantizationSpec({
        derivedFrom: [
          [input, linear],
          [weight, linear],
        ],
        deriveQparamsFn: (observers) => {
          const [a, b] = observers.map((each) => Number(each.calculateQparams().scale.item()));
          return { scale: Tensor.from('float32', [a * b]), zeroPoint: Tensor.from('int32', [0]) };
        },
        dtype: 'int32',
        qscheme: 'per_tensor_affine',
      });
      linear.meta.quantizationAnnotation = new QuantizationAnnotation({
        inputQspecMap: new Map<Node, QuantizationSpecBase>([
          [input, spec('uint8')],
          [weight, spec('int8')],
          [bias, derived],
        ]),
      });
    }

    override validate(): void {}
  }

  it('lets its tensor through in training, and converts to what the others have learned', async () => {
    const x = uniform([5, 4], -2, 2, 6);
    const prepared = prepareQatPt2e(exportModel(new Layer().train(), { x }), new BiasQuantizer());
    using trainer = new Trainer(prepared, {
      loss: ([y], { wanted }) => F.mseLoss(y, wanted),
      targets: { wanted: { dtype: 'float32', shape: [5, 3] } },
      optimizer: new SGD({ lr: 0.1 }),
    });
    const wanted = uniform([5, 3], 0, 1, 7);
    const before = prepared.attribute('linear.bias').toArray();
    for (let i = 0; i < 5; i++) await trainer.step({ x }, { wanted });
    expect(prepared.attribute('linear.bias').toArray()).not.toEqual(before);
    disableObserver(prepared);
    const [trained] = new Interpreter(prepared, operators).run([x]);
    const [converted] = new Interpreter(convertPt2e(prepared), operators).run([x]);
    // The bias alone is rounded anew: half a step of the products, a part of 1e-4.
    expect(relativeError(converted.toArray() as number[], trained.toArray() as number[])).toBeLessThan(1e-3);
  });
});
