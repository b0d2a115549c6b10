import type { Module } from '../../lib/nn/index.ts';
import { densenet121 } from './densenet.ts';
import { efficientnetB0 } from './efficientnet.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { mobilenetV3Large, mobilenetV3Small } from './mobilenet-v3.ts';
import { resnet18, resnet50 } from './resnet.ts';
import { squeezenet } from './squeezenet.ts';
import { vgg16 } from './vgg.ts';

/**
 * The reference networks by torchvision's names: ImageNet classifiers for [n, 3, 224, 224]. Their weights are drawn from
 * the default generator exactly as torchvision draws them, so `manualSeed(s)` gives the weights of `torch.manual_seed(s)`.
 */
export const referenceModels: Readonly<Record<string, () => Module>> = {
  resnet18,
  resnet50,
  mobilenet_v2: mobilenetV2,
  mobilenet_v3_large: mobilenetV3Large,
  mobilenet_v3_small: mobilenetV3Small,
  efficientnet_b0: efficientnetB0,
  vgg16,
  squeezenet1_1: squeezenet,
  densenet121,
};
