import { deepcopy, type Module, Parameter, type qat } from '../nn/index.ts';
import { foldBatchNorm } from '../transforms/fold-batch-norm.ts';

/** Makes a quantized layer of one that was trained with a batch norm, which is folded into its weight first. */
export const withoutBatchNorm = (layer: { fromFloat(module: never): Module }) => ({
  fromFloat: (module: qat.LayerWithBatchNorm): Module => layer.fromFloat(folded(module) as never),
});

function folded(module: qat.LayerWithBatchNorm): qat.LayerWithBatchNorm {
  const { bn } = module;
  const { weight, bias } = foldBatchNorm(module.weight.tensor, module.bias?.tensor ?? null, {
    weight: bn.weight.tensor,
    bias: bn.bias.tensor,
    mean: bn.running_mean.tensor,
    variance: bn.running_var.tensor,
    eps: bn.eps,
  });
  return Object.assign(deepcopy(module), { weight: new Parameter(weight), bias: new Parameter(bias) });
}
