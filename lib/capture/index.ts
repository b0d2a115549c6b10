export { exportOnnx } from './onnx/exporter.ts';
export { capturePattern, type PatternFunction } from './pattern.ts';
export { loadPt2 } from './pt2.ts';
export { type DynamicDim, type ExampleInput, type ExportOptions, exportModel } from './trace.ts';
