/** Several modules as one (counterpart: `torch.ao.nn.intrinsic`). */
export {
  BNReLU2d,
  ConvBn1d,
  ConvBn2d,
  ConvBnReLU1d,
  ConvBnReLU2d,
  ConvReLU1d,
  ConvReLU2d,
  FusedModule,
  LinearBn1d,
  LinearReLU,
} from './fused.ts';
