/** Layers of real numbers with int8 weights (counterpart: `torch.ao.nn.quantized.dynamic`). */
export { Float16Linear, Linear, LinearReLU } from './linear.ts';
export { GRU, LSTM } from './recurrent.ts';
export { GRUCell, LSTMCell } from './recurrent-cells.ts';
