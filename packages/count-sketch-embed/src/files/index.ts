export { decodeTable, type DecodeTableOptions } from './decode-table.ts';
export { encodeTable, vocabularyPrint, type EncodeTableOptions } from './encode-table.ts';
