/** A constant rate while weights are pruned, for the first `held` of the steps, then {@link cosine}. */
export function heldCosine(rate: number, held: number): (step: number, total: number) => number {
  const falling = cosine(rate);
  return (step, total) => falling(Math.max(0, step - held * total), (1 - held) * total);
}

/** A learning rate that falls to zero along half a cosine (Loshchilov and Hutter 2017). */
export function cosine(rate: number): (step: number, total: number) => number {
  return (step, total) => rate * 0.5 * (1 + Math.cos((Math.PI * step) / total));
}
