import { type GraphModule, Interpreter, Node, operators, Tensor } from '../lib/index.ts';

/**
 * What batch norms before an activation add: most values then lie where the activation passes them on. Around zero it
 * would keep a third of the variance and half of the rounding errors, which grow so from layer to layer until they
 * outweigh the signal: trained networks are not like that.
 */
const activationBias = 1;

const activations = /^aten\.(relu|relu6|hardtanh|silu|hardswish)_?\.default$/;

/**
 * Gives every batch norm of a captured network the statistics of what reaches it from `batch`, the first one first, as
 * training would have left them. With seeded weights and statistics of 0 and 1, activations of deep networks of
 * depthwise convolutions vanish: a network of zeros says nothing about accuracy.
 */
export function fitBatchNorms(module: GraphModule, batch: Tensor): void {
  new Interpreter(module, operators).run([batch], (node, value) => {
    if (!(value instanceof Tensor)) return;
    for (const user of node.users)
      if (user.target === 'aten.batch_norm.default' && user.args[0] === node)
        setStatistics(module, user, value);
  });
}

/** Writes into the statistics and the bias that `batchNorm` reads. */
function setStatistics(module: GraphModule, batchNorm: Node, { data, shape }: Tensor): void {
  const [, , bias, mean, variance] = batchNorm.args.map((arg) =>
    arg instanceof Node && arg.op === 'get_attr' ? module.attribute(arg.target).data : undefined,
  );
  if (batchNorm.users.some(({ target }) => activations.test(target)))
    (bias as Float32Array).fill(activationBias);
  const [images, channels] = shape;
  const pixels = data.length / images / channels;
  const values = data as Float32Array;
  for (let channel = 0; channel < channels; channel++) {
    let [sum, squares] = [0, 0];
    for (let image = 0; image < images; image++) {
      const start = (image * channels + channel) * pixels;
      for (let i = start; i < start + pixels; i++) {
        sum += values[i];
        squares += values[i] ** 2;
      }
    }
    const average = sum / images / pixels;
    (mean as Float32Array)[channel] = average;
    (variance as Float32Array)[channel] = Math.max(0, squares / images / pixels - average ** 2);
  }
}
