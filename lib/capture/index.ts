export { capturePattern, type PatternFunction } from './nn/pattern.ts';
export { type DynamicDim, type ExampleInput, type ExportOptions, exportModel } from './nn/trace.ts';
export { exportOnnx } from './onnx/writer/exporter.ts';
export { loadPt2 } from './pt2/load.ts';
