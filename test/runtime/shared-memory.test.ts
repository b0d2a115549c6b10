import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { calibrate, convertPt2e } from '../../lib/quantization/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { arrayTypeOf, Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';
import { goldenTensor, prepareModel } from '../support/pt2e-goldens.ts';

/** The same tensor over a SharedArrayBuffer, not at its beginning. */
function shared({ dtype, shape, data }: Tensor): Tensor {
  const ArrayType = arrayTypeOf(dtype) as Float32ArrayConstructor;
  const memory = new SharedArrayBuffer(data.byteLength + ArrayType.BYTES_PER_ELEMENT);
  const copy = new ArrayType(memory, ArrayType.BYTES_PER_ELEMENT, data.length);
  copy.set(data as Float32Array);
  return new Tensor(dtype, copy, shape);
}

function withSharedWeights(module: GraphModule): GraphModule {
  for (const [path, tensor] of module.attributes) module.attributes.set(path, shared(tensor));
  return module;
}

describe('tensors over a SharedArrayBuffer', () => {
  const x = uniform([2, 3, 8, 8], -1, 1, 5);
  const interpret = (module: GraphModule, input: Tensor) => new Interpreter(module, operators).run([input]);

  it('are computed with, node by node', () => {
    expect(interpret(withSharedWeights(convNet()), shared(x))).toEqual(interpret(convNet(), x));
  });

  it('are compiled and run', async () => {
    using model = compile(withSharedWeights(convNet()));
    using plain = compile(convNet());
    expect(await model.run(shared(x))).toEqual(await plain.run(x));
  });

  it('calibrate', async () => {
    const calibrated = async (input: Tensor) => {
      const prepared = await prepareModel('tiny_cnn');
      await calibrate(prepared, [input]);
      return interpret(convertPt2e(prepared), batch);
    };
    const batch = goldenTensor('tiny_cnn/calib_0');
    expect(await calibrated(shared(batch))).toEqual(await calibrated(batch));
  });
});
