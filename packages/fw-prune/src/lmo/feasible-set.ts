import { ArgumentError, NonFiniteError } from '@ockham/core';

/** A point or a gradient, flattened row-major. The solver works on `Float64Array`, training on `Float32Array`. */
export type Vector = Float64Array | Float32Array;

/**
 * A compact convex set C, given by its linear minimization oracle (LMO): all that Frank-Wolfe asks of it.
 * Vertices are deterministic: the same direction gives the same vertex, ties go to the lower index.
 */
export interface FeasibleSet {
  /** For messages and histories, for example `k-sparse polytope (n = 100, k = 5, radius = 1)`. */
  readonly name: string;
  /** Number of coordinates of a point. */
  readonly dimension: number;
  /**
   * The LMO of the paper's Algorithm 1: a vertex `v` of C with the smallest ⟨v, direction⟩. A zero direction gives
   * a vertex all the same.
   *
   * @param out Receives the vertex; a new `Float64Array` if absent. Not `direction` itself.
   * @param tolerance Additive error that the caller allows in ⟨v, direction⟩; exact sets ignore it. Default 0.
   * @throws ArgumentError for a wrong length, NonFiniteError for NaN or an infinity in `direction`.
   */
  minimize<V extends Vector = Float64Array>(direction: Vector, out?: V, tolerance?: number): V;
  /** Largest Euclidean distance between two points of C. */
  diameter(): number;
  /** Whether `x` lies in C, up to `tolerance` relative to the set's radius. Default 1e-9. */
  contains(x: Vector, tolerance?: number): boolean;
  /** The smallest s ≥ 0 with x in s·C (Minkowski gauge), where C is symmetric about the origin; else absent. */
  readonly gauge?: (x: Vector) => number;
}

/** The few lines in which one set differs from another; see {@link defineSet}. */
export interface SetDefinition {
  /** The set's name, for messages. */
  readonly name: string;
  /** n, the length of its vectors. */
  readonly dimension: number;
  /** The largest Euclidean distance of two points. */
  readonly diameter: number;
  /** Writes a minimizing vertex into `out`, which arrives filled with zeros. */
  readonly vertex: (direction: Vector, out: Vector, tolerance: number) => void;
  /** The smallest s ≥ 0 with x in s·C; only where C is symmetric about the origin. */
  readonly gauge?: (x: Vector) => number;
  /** Needed only where there is no gauge. */
  readonly contains?: (x: Vector, tolerance: number) => boolean;
}

/** Builds a set from its vertex rule and gauge, adding the checks every oracle shares. */
export function defineSet(definition: SetDefinition): FeasibleSet {
  const { name, dimension, diameter, vertex, gauge, contains } = definition;
  if (!gauge && !contains) throw new ArgumentError(`${name}: a set needs a gauge or a contains function.`);

  function minimize<V extends Vector = Float64Array>(direction: Vector, out?: V, tolerance = 0): V {
    checkLength(name, 'direction', direction, dimension);
    for (let i = 0; i < dimension; i++) {
      if (!Number.isFinite(direction[i])) {
        throw new NonFiniteError(
          `${name}: the direction must be finite, got ${direction[i]} at index ${i}. Check the gradient, or lower the learning rate.`,
        );
      }
    }
    if (out) checkLength(name, 'out', out, dimension);
    const target = out ?? (new Float64Array(dimension) as V);
    if (out) target.fill(0);
    vertex(direction, target, tolerance);
    return target;
  }

  return {
    name,
    dimension,
    minimize,
    diameter: () => diameter,
    contains(x, tolerance = 1e-9) {
      if (x.length !== dimension || !x.every(Number.isFinite)) return false;
      return contains ? contains(x, tolerance) : gauge!(x) <= 1 + tolerance;
    },
    ...(gauge ? { gauge } : {}),
  };
}

/** @throws ArgumentError unless `value` is an integer in [1, max]. */
export function checkCount(
  who: string,
  what: string,
  value: number,
  max: number = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? '≥ 1' : `in [1, ${max}]`;
  throw new ArgumentError(`${who}: ${what} must be an integer ${range}, got ${value}.`);
}

/** @throws ArgumentError unless `radius` is positive and finite. */
export function checkRadius(who: string, radius: number): void {
  if (Number.isFinite(radius) && radius > 0) return;
  throw new ArgumentError(`${who}: radius must be positive and finite, got ${radius}.`);
}

function checkLength(who: string, what: string, x: Vector, dimension: number): void {
  if (x.length === dimension) return;
  throw new ArgumentError(`${who}: ${what} must have ${dimension} values, got ${x.length}.`);
}
