export { capturePattern, type PatternFunction } from './nn/pattern.ts';
export { type DynamicDim, type ExampleInput, type ExportOptions, exportModel } from './nn/trace.ts';
export { exportOnnx } from './onnx/writer/exporter.ts';
export { describePt2 } from './pt2/describe.ts';
export { type LoadPt2Options, loadPt2 } from './pt2/load.ts';
