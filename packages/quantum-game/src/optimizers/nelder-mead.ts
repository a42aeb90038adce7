/** The simplex of Nelder and Mead 1965, with the coefficients for many dimensions of Gao and Han 2012. */
import type { Optimizer } from './optimizer.ts';

/** Options of {@link nelderMead}. */
export interface NelderMeadOptions {
  /** Edge of the first simplex, in radians. Default 0.5. */
  readonly edge?: number;
  /** Stop where the values of the simplex differ by less. Default 1e-10. */
  readonly tolerance?: number;
}

/** Nelder–Mead: values only. */
export function nelderMead(options: NelderMeadOptions = {}): Optimizer {
  const { edge = 0.5, tolerance = 1e-10 } = options;
  return function* (objective, start) {
    const n = start.length;
    const [expansion, contraction, shrinkage] = [1 + 2 / n, 0.75 - 1 / (2 * n), 1 - 1 / n];
    const at = (x: Float64Array): { x: Float64Array; value: number } => ({ x, value: objective.value(x) });
    let simplex = [at(start.slice())];
    for (let i = 0; i < n; i++) simplex.push(at(start.map((value, j) => value + (i === j ? edge : 0))));
    for (;;) {
      simplex.sort((a, b) => a.value - b.value);
      const [best, worst] = [simplex[0]!, simplex[n]!];
      yield best;
      if (worst.value - best.value < tolerance) return 'converged';
      const centre = start.map((_, i) => simplex.slice(0, n).reduce((sum, { x }) => sum + x[i]! / n, 0));
      const along = (t: number): { x: Float64Array; value: number } =>
        at(centre.map((c, i) => c + t * (worst.x[i]! - c)));
      const reflected = along(-1);
      if (reflected.value < best.value) {
        const expanded = along(-expansion);
        simplex[n] = expanded.value < reflected.value ? expanded : reflected;
      } else if (reflected.value < simplex[n - 1]!.value) {
        simplex[n] = reflected;
      } else {
        const contracted = along(reflected.value < worst.value ? -contraction : contraction);
        if (contracted.value < Math.min(reflected.value, worst.value)) simplex[n] = contracted;
        else {
          simplex = [
            best,
            ...simplex
              .slice(1)
              .map(({ x }) => at(x.map((v, i) => best.x[i]! + shrinkage * (v - best.x[i]!)))),
          ];
        }
      }
    }
  };
}
