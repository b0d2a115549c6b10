import { expect, it } from 'vitest';
import { decodeOnnx } from '../../lib/capture/onnx/schema.ts';
import { exportModel, exportOnnx } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';

class States extends nn.Module {
  readonly network: nn.GRU;

  constructor(batchFirst: boolean) {
    super();
    this.network = new nn.GRU(3, 4, { batchFirst });
  }

  override forward(x: nn.Value): nn.Value {
    return this.network.call(x)[0];
  }
}

/** What ONNX Runtime compares with the result's own shape. */
interface Model {
  readonly graph: {
    readonly output: readonly {
      readonly type: { readonly tensorType: { readonly shape: { readonly dim: readonly object[] } } };
    }[];
  };
}

it.each([
  [true, [{ dimParam: 's0' }, { dimValue: '8' }, { dimValue: '4' }]],
  [false, [{ dimValue: '8' }, { dimParam: 's0' }, { dimValue: '4' }]],
])('the states of a recurrent layer have their shape in ONNX; batch first: %s', (batchFirst, dims) => {
  const [shape, batch] = [batchFirst ? [2, 8, 3] : [8, 2, 3], { name: 'batch' }];
  const module = exportModel(
    new States(batchFirst).eval(),
    { x: { dtype: 'float32', shape } },
    { dynamicShapes: { x: { [batchFirst ? 0 : 1]: batch } } },
  );
  const model = decodeOnnx('ModelProto', exportOnnx(module)) as Model;
  const [{ type }] = model.graph.output;
  expect(JSON.parse(JSON.stringify(type.tensorType.shape.dim))).toEqual(dims);
});
