export { exportOnnx } from './onnx/exporter.ts';
export { loadPt2 } from './pt2.ts';
