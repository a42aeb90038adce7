/** One vertex of a convex combination. */
export interface Atom {
  /** A vertex of the feasible set. */
  readonly vertex: Float64Array;
  /** In (0, 1]; the weights of a set sum to 1. */
  readonly weight: number;
}

/**
 * The iterate as a convex combination of vertices, which away and pairwise steps need (Lacoste-Julien and Jaggi
 * 2015, "On the global linear convergence of Frank-Wolfe optimization variants").
 */
export class ActiveSet {
  readonly #vertices: Float64Array[];
  readonly #weights: number[];

  /** Starts at one point, with weight 1. It counts as an atom even where it is no vertex. */
  constructor(start: Float64Array) {
    this.#vertices = [start.slice()];
    this.#weights = [1];
  }

  get size(): number {
    return this.#vertices.length;
  }

  atoms(): Atom[] {
    return this.#vertices.map((vertex, i) => ({ vertex, weight: this.#weights[i]! }));
  }

  vertex(index: number): Float64Array {
    return this.#vertices[index]!;
  }

  weight(index: number): number {
    return this.#weights[index]!;
  }

  /** The atom with the largest ⟨direction, a⟩: the one to move away from. Ties go to the oldest. */
  worst(direction: Float64Array): number {
    let worst = 0;
    let most = -Infinity;
    for (let a = 0; a < this.size; a++) {
      const vertex = this.#vertices[a]!;
      let product = 0;
      for (let i = 0; i < vertex.length; i++) product += direction[i]! * vertex[i]!;
      if (product > most) {
        most = product;
        worst = a;
      }
    }
    return worst;
  }

  /** x ← (1 - step)·x + step·vertex. */
  toward(vertex: Float64Array, step: number): void {
    this.#scale(1 - step);
    this.#add(vertex, step);
    this.#clean();
  }

  /** x ← (1 + step)·x - step·atom. */
  away(index: number, step: number): void {
    const dropped = step >= this.weight(index) / (1 - this.weight(index));
    this.#scale(1 + step);
    this.#weights[index] = dropped ? 0 : this.#weights[index]! - step;
    this.#clean();
  }

  /** Shifts weight `step` from an atom to a vertex. */
  pairwise(index: number, vertex: Float64Array, step: number): void {
    this.#weights[index] = step >= this.#weights[index]! ? 0 : this.#weights[index]! - step;
    this.#add(vertex, step);
    this.#clean();
  }

  /** Writes the combination into `out`; computed afresh, so that rounding does not accumulate in the iterate. */
  combine(out: Float64Array): void {
    const total = this.#weights.reduce((sum, w) => sum + w, 0);
    out.fill(0);
    this.#vertices.forEach((vertex, a) => {
      const weight = (this.#weights[a]! /= total);
      for (let i = 0; i < out.length; i++) out[i]! += weight * vertex[i]!;
    });
  }

  #scale(factor: number): void {
    for (let a = 0; a < this.size; a++) this.#weights[a]! *= factor;
  }

  #add(vertex: Float64Array, weight: number): void {
    const known = this.#vertices.findIndex((v) => v.every((value, i) => value === vertex[i]));
    if (known >= 0) {
      this.#weights[known]! += weight;
      return;
    }
    this.#vertices.push(vertex.slice());
    this.#weights.push(weight);
  }

  #clean(): void {
    for (let a = this.size - 1; a >= 0; a--) {
      if (this.#weights[a]! > 0) continue;
      this.#vertices.splice(a, 1);
      this.#weights.splice(a, 1);
    }
  }
}
