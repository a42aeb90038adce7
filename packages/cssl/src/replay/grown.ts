type Values = Int32Array | Float32Array;

/** A longer copy of an array, zeros at its end. */
export function grown<T extends Values>(values: T, length: number): T {
  const copy = new (values.constructor as new (length: number) => T)(length);
  copy.set(values);
  return copy;
}

/** How many slots to have room for where one more than `slots` is needed: a quarter more, 64 or more, `most` at most. */
export function roomAfter(slots: number, most: number): number {
  return Math.min(most, Math.max(64, Math.ceil(slots * 1.25)));
}
