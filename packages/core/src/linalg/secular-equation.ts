/**
 * The singular values of M = [zᵀ; 0 diag(d_2 … d_K)], d_1 = 0 < d_2 < … < d_K, z_j ≠ 0: the roots σ of
 * 1 + Σ z_j² / (d_j² − σ²) = 0, one in each gap (d_i, d_{i+1}) and one above d_K (Gu and Eisenstat 1995). A root is
 * kept as its distance ω = σ² − d_o² from the nearer pole o, which keeps every d_j² − σ² accurate to rounding.
 */
const epsilon = Number.EPSILON / 2;

/**
 * Finds the root of gap `i` and writes `d_j² − σ_i²` for all j into `gaps`.
 *
 * @param poles scratch of K numbers
 * @returns σ_i
 */
export function secularRoot(
  i: number,
  K: number,
  d: Float64Array,
  zSquared: Float64Array,
  poles: Float64Array,
  gaps: Float64Array,
  gapsOffset: number,
): number {
  const last = i === K - 1;
  let sum = 0;
  for (let j = 0; j < K; j++) sum += zSquared[j]!;

  let origin = i;
  let high: number;
  let low = 0;
  if (last) high = sum;
  else {
    const gap = (d[i + 1]! - d[i]!) * (d[i + 1]! + d[i]!);
    high = gap / 2;
    if (valueAt(d, i, high, K, zSquared) < 0) {
      origin = i + 1;
      low = -gap / 2;
      high = 0;
    }
  }
  const dOrigin = d[origin]!;
  for (let j = 0; j < K; j++) poles[j] = (d[j]! - dOrigin) * (d[j]! + dOrigin);

  // Terms up to `split` are interpolated by one pole, the rest by the next: the two around the root, or the last two.
  const split = last ? K - 2 : i;
  let omega = K === 1 ? sum : firstGuess(split, K, zSquared, poles, low, high, last);
  if (!(omega > low && omega < high)) omega = inside(low, high);
  for (let step = 0; K > 1 && step < 200; step++) {
    let psi = 0;
    let dPsi = 0;
    let phi = 0;
    let dPhi = 0;
    for (let j = 0; j <= split; j++) {
      const q = 1 / (poles[j]! - omega);
      const term = zSquared[j]! * q;
      psi += term;
      dPsi += term * q;
    }
    for (let j = split + 1; j < K; j++) {
      const q = 1 / (poles[j]! - omega);
      const term = zSquared[j]! * q;
      phi += term;
      dPhi += term * q;
    }
    const f = 1 + psi + phi;
    const rounding = 1 + 8 * (Math.abs(psi) + Math.abs(phi)) + Math.abs(omega) * (dPsi + dPhi);
    if (Math.abs(f) <= epsilon * rounding) break;
    if (f < 0) low = omega;
    else high = omega;
    const left = poles[split]! - omega;
    const right = poles[split + 1]! - omega;
    const next = omega + rationalStep(f, left, right, dPsi, dPhi, last);
    omega = next > low && next < high ? next : inside(low, high);
    if (!(omega > low && omega < high)) break;
  }
  for (let j = 0; j < K; j++) gaps[gapsOffset + j] = poles[j]! - omega;
  return Math.sqrt(Math.max(0, dOrigin * dOrigin + omega));
}

/** Where c + s_1/(left − η) + s_2/(right − η), fitted to f and its slopes, vanishes. */
function rationalStep(
  f: number,
  left: number,
  right: number,
  dPsi: number,
  dPhi: number,
  last: boolean,
): number {
  const c = f - left * dPsi - right * dPhi;
  const a = (left + right) * f - left * right * (dPsi + dPhi);
  const b = left * right * f;
  return quadraticRoot(c, a, b, last);
}

/** The root of cη² − aη + b that lies between the poles, or beyond both for the last gap. */
function quadraticRoot(c: number, a: number, b: number, last: boolean): number {
  const root = Math.sqrt(Math.abs(a * a - 4 * b * c));
  if (last) return a >= 0 ? (a + root) / (2 * c) : (2 * b) / (a - root);
  return a <= 0 ? (a - root) / (2 * c) : (2 * b) / (a + root);
}

/** Takes the far poles' terms as constant in the middle of the bracket, and solves for the two near ones. */
function firstGuess(
  split: number,
  K: number,
  zSquared: Float64Array,
  poles: Float64Array,
  low: number,
  high: number,
  last: boolean,
): number {
  const middle = last ? high : (low + high) / 2;
  let c = 1;
  for (let j = 0; j < K; j++) {
    if (j !== split && j !== split + 1) c += zSquared[j]! / (poles[j]! - middle);
  }
  const left = poles[split]!;
  const right = poles[split + 1]!;
  const a = c * (left + right) + zSquared[split]! + zSquared[split + 1]!;
  const b = c * left * right + zSquared[split]! * right + zSquared[split + 1]! * left;
  return quadraticRoot(c, a, b, last);
}

/** A point of the bracket: in the middle of the exponents where it spans many. */
function inside(low: number, high: number): number {
  const near = low >= 0 ? low : -high;
  const far = low >= 0 ? high : -low;
  const size = near * 16 >= far ? (near + far) / 2 : near === 0 ? far / 64 : Math.sqrt(near) * Math.sqrt(far);
  return low >= 0 ? size : -size;
}

function valueAt(d: Float64Array, o: number, omega: number, K: number, zSquared: Float64Array): number {
  let f = 1;
  for (let j = 0; j < K; j++) f += zSquared[j]! / ((d[j]! - d[o]!) * (d[j]! + d[o]!) - omega);
  return f;
}
