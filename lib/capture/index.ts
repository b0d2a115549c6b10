export { type GraphFileKind, graphFileKind, loadGraph } from './load-graph.ts';
export { capturePattern, type PatternFunction } from './nn/pattern.ts';
export { type DynamicDim, type ExampleInput, type ExportOptions, exportModel } from './nn/trace.ts';
export type { BoundValue } from './onnx/reader/inputs.ts';
export { type LoadOnnxOptions, loadOnnx } from './onnx/reader/load.ts';
export { exportOnnx } from './onnx/writer/exporter.ts';
export { loadPt2 } from './pt2/load.ts';
