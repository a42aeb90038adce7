/** A learning rate that falls from `rate` to 0 along half a cosine (Loshchilov and Hutter 2017). */
export function cosine(rate: number): (step: number, total: number) => number {
  return (step, total) => rate * 0.5 * (1 + Math.cos((Math.PI * step) / total));
}
