/**
 * Compression to few bits, by pruning and by fewer layers: {@link compress}, and models that are trained for it.
 *
 * @module
 */
export {
  checkGrid,
  fakeQuantize,
  quantize,
  type FakeQuantizeOptions,
  type Grid,
  type GridBits,
  type GridRange,
} from './grid.ts';
export { fakeQuantizeActivations, type ActivationGrid } from './activation-grid.ts';
export { compress, type Compressed } from './compress.ts';
export { exportLayersModel } from './compressed-model.ts';
export type { FloatLayer } from './float-layers.ts';
export { decodeCompressed, encodeCompressed } from './container.ts';
export { QuantizedConv2D } from './layers/quantized-conv2d.ts';
export { QuantizedDense } from './layers/quantized-dense.ts';
export { QuantizedLayer, type QuantizedLayerArgs } from './layers/quantized-layer.ts';
export type { MatrixShape } from './layers/matrix-shape.ts';
export {
  QuantizedEmbedding,
  QuantizedPositionEmbedding,
  QuantizedTiedEmbedding,
} from './layers/quantized-tables.ts';
export type { LowRank } from './dense-rows.ts';
export type { CompressData, CompressOptions, CompressReportOptions, QuantizeOptions } from './options.ts';
export { quantizableWeights, type PackingRule, type QuantizableWeight } from './quantizable.ts';
export {
  quantizedFlopRules,
  type ByteRatio,
  type CompressedWeight,
  type CompressReport,
  type Sensitivity,
} from './report.ts';
export * from './training/index.ts';
export * from './reduction/index.ts';
