export { CODINGS, rowBytes, type Coding, type CodingFacts } from './codings.ts';
export {
  checkPackedMatrix,
  dequantize,
  packCodes,
  packedBytes,
  unpackCodes,
  type PackCodesOptions,
  type PackedMatrix,
} from './packed-matrix.ts';
