const RANGES: Readonly<Record<string, readonly [low: number, high: number]>> = {
  linear: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
};

/** Where the results of an activation lie that only cuts off; undefined for another, which is left to the stock kernel. */
export function rangeOf(activation: string | null | undefined): readonly [number, number] | undefined {
  return RANGES[activation ?? 'linear'];
}
