export { CODINGS, rowBytes, type Coding, type CodingFacts } from './codings.ts';
export {
  checkPackedMatrix,
  dequantize,
  dequantizeOutputs,
  packCodes,
  packedBytes,
  unpackCodes,
  type PackCodesOptions,
  type PackedMatrix,
} from './packed-matrix.ts';
export { checkQuantizedProducts } from './check-products.ts';
export { quantizedConv2d, type QuantizedConv2dOptions } from './conv2d.ts';
export { decodeMatrix, decodeOutputs } from './decode.ts';
export { rowsOnGrid, type RowGrid } from './rows-on-grid.ts';
export { LoadedMatrix, type KernelSpace } from './loaded-matrix.ts';
export { quantizedMatMul, type QuantizedMatMulOptions } from './mat-mul.ts';
export { quantizedProducts, type MultiplyOptions, type QuantizedProducts } from './products.ts';
export { ownMemory, type Space } from './own-memory.ts';
export { runProduct, type ProductActivation } from './run-product.ts';
