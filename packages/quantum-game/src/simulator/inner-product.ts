/** ⟨a|b⟩, real and imaginary part. */
export function innerProduct(a: Float64Array, b: Float64Array): [number, number] {
  let re = 0;
  let im = 0;
  for (let i = 0; i < a.length; i += 2) {
    re += a[i]! * b[i]! + a[i + 1]! * b[i + 1]!;
    im += a[i]! * b[i + 1]! - a[i + 1]! * b[i]!;
  }
  return [re, im];
}

/** `to += (re + i im) · from`. */
export function addScaled(to: Float64Array, from: Float64Array, re: number, im: number): void {
  for (let i = 0; i < to.length; i += 2) {
    to[i]! += re * from[i]! - im * from[i + 1]!;
    to[i + 1]! += re * from[i + 1]! + im * from[i]!;
  }
}
