/**
 * The loss of one masked worker, ½‖AMx − b‖² (eq. 1) and its deregularised form (eq. 2), seen from the masked entries.
 *
 * Deviations: eq. 2 holds for independent masks. For sets of a fixed size, and for features of different probabilities
 * π, the Hessian is c·MAᵀAM − (c·M² − M)Diag(AᵀA) with M_ii = 1/π_i and c = π_iπ_j/π_ij: its mean is AᵀA again.
 */
import type { Mask } from './masks/mask.ts';
import type { LinearSystem } from './system.ts';

/** Whether masks carry weights, and whether the bias is taken out. */
export type MaskedForm = 'plain' | 'scaled' | 'deregularised';

/** The gradient at `v` (the entries of x at the mask), `[nnz]`. Without b it is the Hessian's product with v. */
export function maskedGradient(
  system: LinearSystem,
  mask: Mask,
  v: Float64Array,
  form: MaskedForm,
  options: { readonly pairFactor?: number; readonly homogeneous?: boolean } = {},
): Float64Array {
  const { pairFactor = 1, homogeneous = false } = options;
  const { indices, weights } = mask;
  const c = form === 'deregularised' ? pairFactor : 1;
  const x = new Float64Array(system.d);
  for (let p = 0; p < indices.length; p++) x[indices[p]!] = (form === 'plain' ? 1 : c * weights[p]!) * v[p]!;
  const full = system.gradient(x, 0, system.n, homogeneous);
  const g = new Float64Array(indices.length);
  for (let p = 0; p < indices.length; p++) {
    const i = indices[p]!;
    const u = form === 'plain' ? 1 : weights[p]!;
    g[p] = u * full[i]!;
    if (form === 'deregularised') g[p]! -= (c * u * u - u) * system.diagonal[i]! * v[p]!;
  }
  return g;
}

/** The loss at `v`: eq. 1 for `plain` and `scaled`, eq. 2 for `deregularised`. */
export function maskedLoss(
  system: LinearSystem,
  mask: Mask,
  v: Float64Array,
  form: MaskedForm,
  pairFactor = 1,
): number {
  const { indices, weights } = mask;
  const x = new Float64Array(system.d);
  for (let p = 0; p < indices.length; p++) x[indices[p]!] = (form === 'plain' ? 1 : weights[p]!) * v[p]!;
  const residual = system.times(x);
  let squares = 0;
  let cross = 0;
  let fixed = 0;
  for (let i = 0; i < residual.length; i++) {
    squares += residual[i]! ** 2;
    cross += residual[i]! * system.b[i]!;
    fixed += system.b[i]! ** 2;
  }
  if (form !== 'deregularised') return 0.5 * squares - cross + 0.5 * fixed;
  let diagonal = 0;
  for (let p = 0; p < indices.length; p++) {
    const u = weights[p]!;
    diagonal += (pairFactor * u * u - u) * system.diagonal[indices[p]!]! * v[p]! ** 2;
  }
  return 0.5 * (pairFactor * squares - diagonal) - cross + 0.5 * fixed;
}
