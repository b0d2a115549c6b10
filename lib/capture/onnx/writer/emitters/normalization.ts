import { Tensor } from '../../../../tensor/index.ts';
import { float, type OnnxCall, type OnnxEmitter, type OnnxValue } from '../emitter.ts';

/** An optional scale or shift, filled in if it is absent. */
function orFilled(call: OnnxCall, name: string, value: number, channels: number): OnnxValue {
  const given = call.args.optionalTensor(name);
  return (
    given ?? call.constant(name, new Tensor('float32', new Float32Array(channels).fill(value), [channels]))
  );
}

function batchNorm(call: OnnxCall): OnnxValue {
  const { args } = call;
  if (args.bool('training'))
    throw new Error('batch normalization in training mode: export the model after eval()');
  const x = args.tensor('input');
  const channels = x.shape[1] as number;
  return call.result(
    'BatchNormalization',
    [
      x,
      orFilled(call, 'weight', 1, channels),
      orFilled(call, 'bias', 0, channels),
      args.tensor('running_mean'),
      args.tensor('running_var'),
    ],
    { epsilon: float(args.number('eps')) },
  );
}

function layerNorm(call: OnnxCall): OnnxValue {
  const { args } = call;
  const sizes = args.numbers('normalized_shape');
  const ones = () => new Tensor('float32', new Float32Array(sizes.reduce((a, b) => a * b, 1)).fill(1), sizes);
  const weight = args.optionalTensor('weight') ?? call.constant('weight', ones());
  return call.result('LayerNormalization', [args.tensor('input'), weight, args.optionalTensor('bias')], {
    axis: -sizes.length,
    epsilon: float(args.number('eps')),
  });
}

/** Batch and layer normalization at inference. */
export const normalizationEmitters: Readonly<Record<string, OnnxEmitter>> = {
  'aten.batch_norm.default': batchNorm,
  'aten.layer_norm.default': layerNorm,
};
