/** How x moves along a gradient: as it is, by Nesterov's momentum, or by Chebyshev's recurrence on [μ, λ]. */

/** Moves a point; keeps what it needs of the past. */
export interface OuterLoop {
  /** Where the next gradient is wanted. */
  readonly point: Float64Array;
  step(gradient: Float64Array): void;
}

export function outerLoop(
  kind: 'none' | 'nesterov' | 'chebyshev',
  start: Float64Array,
  { eta, smallest, largest }: { eta: number; smallest: number; largest: number },
): OuterLoop {
  const point = start.slice();
  const d = point.length;
  if (kind === 'none') {
    return {
      point,
      step(g) {
        for (let i = 0; i < d; i++) point[i]! -= eta * g[i]!;
      },
    };
  }
  if (kind === 'nesterov') {
    const root = Math.sqrt(eta * smallest);
    const beta = (1 - root) / (1 + root);
    const last = start.slice();
    return {
      point,
      step(g) {
        for (let i = 0; i < d; i++) {
          const x = point[i]! - eta * g[i]!;
          point[i] = x + beta * (x - last[i]!);
          last[i] = x;
        }
      },
    };
  }
  const top = Math.max(largest, 1 / eta);
  const centre = (top + smallest) / 2;
  const half = (top - smallest) / 2;
  const move = new Float64Array(d);
  let omega = 0;
  let k = 0;
  return {
    point,
    step(g) {
      // x_{k+1} = x_k + ω(x_k − x_{k−1} …) in the form of Golub and Varga, 1961
      omega =
        k === 0
          ? 1
          : k === 1
            ? 1 / (1 - half ** 2 / (2 * centre ** 2))
            : 1 / (1 - (omega * half ** 2) / (4 * centre ** 2));
      k++;
      for (let i = 0; i < d; i++) {
        move[i] = (omega - 1) * move[i]! - (omega / centre) * g[i]!;
        point[i]! += move[i]!;
      }
    },
  };
}
