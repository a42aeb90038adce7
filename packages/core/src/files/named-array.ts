/** Typed arrays that weight files hold. 64-bit integers stay 64-bit; 16-bit floats become `Float32Array`. */
export type ArrayValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** An array of a weight file: row-major `values` of `shape`; a scalar has shape `[]` and one value. */
export interface NamedArray {
  /** Sizes of the axes; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** The numbers, row-major. */
  readonly values: ArrayValues;
}

/** The arrays of a weight file by name, in the file's order. */
export type NamedArrays = Map<string, NamedArray>;
