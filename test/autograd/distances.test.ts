import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { differentiate } from '../../lib/autograd/differentiate.ts';
import { Interpreter, propagateShapes } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { decomposedGraph } from '../support/decomposed.ts';
import { build, execute } from '../support/run-plan.ts';
import { relativeError } from '../support/spatial.ts';

/** A call for two times four vectors, and PyTorch's gradients of the sum of its results times `factors` (script/goldens/distances.py). */
interface Golden {
  readonly target: string;
  readonly args: readonly (number | 'Infinity')[];
  readonly tensors: readonly (readonly number[])[];
  readonly factors: readonly number[];
  readonly gradients: readonly (readonly number[])[];
}

const goldens: readonly Golden[] = JSON.parse(readFileSync('test/fixtures/autograd/distances.json', 'utf8'));

test.each(goldens.map((golden) => [`${golden.target}(${golden.args})`, golden] as const))(
  "%s of vectors that are 0, or 0 apart, has PyTorch's gradients",
  (_, { target, args, tensors, factors, gradients }) => {
    const shape = factors.length === 16 ? [4, 4] : [4];
    const inputs = [
      ...tensors.map((values) => Tensor.from('float32', values, [4, 3])),
      Tensor.from('float32', factors, shape),
    ];
    const module = decomposedGraph(inputs, (b, x, y, factor) => {
      const distances = b.call(target, x, y, ...args.map(Number));
      return [b.call('aten.sum.default', b.call('aten.mul.Tensor', distances, factor))];
    });
    for (const [node, val] of propagateShapes(module, inputs, operators)) node.meta = { ...node.meta, val };
    const [x, y] = module.graph.placeholders;
    const [loss] = module.graph.outputNode.allInputNodes;
    const found = differentiate(module, loss, [x, y]);
    module.graph.outputNode.setArguments([found.map((gradient) => gradient!)]);
    module.graph.eliminateDeadCode();
    for (const results of [new Interpreter(module, operators).run(inputs), execute(build(module), inputs)])
      results.forEach((gradient, i) => {
        // Sums of four gradients in float32, in another order, of powers that round to 1e-6 of themselves.
        expect(relativeError(gradient.toArray(), gradients[i])).toBeLessThan(5e-6);
      });
  },
);
