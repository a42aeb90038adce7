/** Sizes of the tensors of attention: `[batch, length, heads · depth]`, or `[batch, heads, length, depth]`. */
export type AttentionShape = readonly number[];

/** Where the heads of a tensor are, in numbers. */
export interface HeadPlaces {
  readonly batch: number;
  readonly length: number;
  readonly depth: number;
  /** From one token to the next. */
  readonly stride: number;
  /** The first of a head, counted through all examples. */
  first(head: number): number;
}

/** Where the heads of a tensor of this shape are. */
export function headPlaces(shape: AttentionShape, heads: number): HeadPlaces {
  if (shape.length === 4) {
    const [batch, , length, depth] = shape as [number, number, number, number];
    return { batch, length, depth, stride: depth, first: (head) => head * length * depth };
  }
  const [batch, length, width] = shape as [number, number, number];
  const depth = width / heads;
  const first = (head: number): number => Math.floor(head / heads) * length * width + (head % heads) * depth;
  return { batch, length, depth, stride: width, first };
}
