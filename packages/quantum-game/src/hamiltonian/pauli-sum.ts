import { ArgumentError } from '@ockham/core';
import { parity } from '../simulator/parity.ts';

/** One term of a {@link PauliSum}: `coefficient · P`. */
export interface PauliTerm {
  /** One of I, X, Y, Z for each qubit; the character at q, from the left from 0, acts on qubit q. */
  readonly pauli: string;
  /** Real part of the coefficient. */
  readonly coefficient: number;
  /** Imaginary part of the coefficient. Default 0; a Hermitian sum has none. */
  readonly imaginary?: number;
}

/**
 * A sum of Pauli strings, equal strings merged. Each string is two bit masks: `x` where it has X or Y, `z` where it
 * has Z or Y. Sums are values: every method returns a new one.
 */
export class PauliSum {
  /** Number of qubits. */
  readonly qubits: number;
  /** For each string a bit for every qubit with X or Y. */
  readonly x: Int32Array;
  /** For each string a bit for every qubit with Z or Y. */
  readonly z: Int32Array;
  /** Real part of each coefficient. */
  readonly re: Float64Array;
  /** Imaginary part of each coefficient; zeros for a Hermitian sum. */
  readonly im: Float64Array;

  private constructor(qubits: number, terms: Map<string, [number, number, number, number]>) {
    const kept = [...terms.values()].filter(([, , re, im]) => re !== 0 || im !== 0);
    this.qubits = qubits;
    this.x = Int32Array.from(kept, (term) => term[0]);
    this.z = Int32Array.from(kept, (term) => term[1]);
    this.re = Float64Array.from(kept, (term) => term[2]);
    this.im = Float64Array.from(kept, (term) => term[3]);
  }

  /**
   * @param terms With strings of the same length, from 1 to 30.
   * @throws ArgumentError for a string of another length or letter, or a coefficient that is not finite.
   *
   * @example
   * const ising = PauliSum.from([{ pauli: 'ZZ', coefficient: -1 }, { pauli: 'XI', coefficient: 0.5 }]);
   */
  static from(terms: readonly PauliTerm[]): PauliSum {
    const qubits = terms[0]?.pauli.length ?? 0;
    if (qubits < 1 || qubits > 30) {
      throw new ArgumentError(
        `PauliSum.from: needs at least one term, on 1 to 30 qubits; got ${terms.length} terms on ${qubits} qubits.`,
      );
    }
    const map = new Map<string, [number, number, number, number]>();
    for (const { pauli, coefficient, imaginary = 0 } of terms) {
      if (pauli.length !== qubits || !/^[IXYZ]*$/.test(pauli)) {
        throw new ArgumentError(
          `PauliSum.from: every string must have ${qubits} letters of I, X, Y, Z, as the first has; got '${pauli}'.`,
        );
      }
      if (!Number.isFinite(coefficient) || !Number.isFinite(imaginary)) {
        throw new ArgumentError(
          `PauliSum.from: the coefficient of ${pauli} must be finite, got ${coefficient} + ${imaginary}i.`,
        );
      }
      merge(map, maskOf(pauli, 'XY'), maskOf(pauli, 'YZ'), coefficient, imaginary);
    }
    return new PauliSum(qubits, map);
  }

  /** The strings in letters, with their coefficients. */
  get terms(): PauliTerm[] {
    return Array.from(this.x, (x, i) => ({
      pauli: stringOf(this.qubits, x, this.z[i]!),
      coefficient: this.re[i]!,
      ...(this.im[i] !== 0 && { imaginary: this.im[i]! }),
    }));
  }

  /** Coefficient of the identity. */
  get constant(): number {
    const i = this.x.findIndex((x, at) => x === 0 && this.z[at] === 0);
    return i < 0 ? 0 : this.re[i]!;
  }

  /** Σ |coefficient| over the strings other than the identity: no eigenvalue is further than this from `constant`. */
  get oneNorm(): number {
    let sum = 0;
    for (let i = 0; i < this.x.length; i++) {
      if (this.x[i] !== 0 || this.z[i] !== 0) sum += Math.hypot(this.re[i]!, this.im[i]!);
    }
    return sum;
  }

  /** Whether every coefficient is real. */
  get hermitian(): boolean {
    return this.im.every((im) => im === 0);
  }

  /**
   * The sum of both.
   *
   * @throws ArgumentError where the numbers of qubits differ.
   */
  plus(other: PauliSum): PauliSum {
    checkSame('PauliSum.plus', this, other);
    const map = new Map<string, [number, number, number, number]>();
    for (const sum of [this, other]) {
      for (let i = 0; i < sum.x.length; i++) merge(map, sum.x[i]!, sum.z[i]!, sum.re[i]!, sum.im[i]!);
    }
    return new PauliSum(this.qubits, map);
  }

  /** This sum plus `constant` times the identity. */
  shifted(constant: number): PauliSum {
    if (constant === 0) return this;
    return this.plus(PauliSum.from([{ pauli: 'I'.repeat(this.qubits), coefficient: constant }]));
  }

  /** Every coefficient times `factor`. */
  times(factor: number): PauliSum {
    const map = new Map<string, [number, number, number, number]>();
    for (let i = 0; i < this.x.length; i++)
      merge(map, this.x[i]!, this.z[i]!, factor * this.re[i]!, factor * this.im[i]!);
    return new PauliSum(this.qubits, map);
  }

  /** The operator product: `this` after `other`. */
  product(other: PauliSum): PauliSum {
    checkSame('PauliSum.product', this, other);
    const map = new Map<string, [number, number, number, number]>();
    for (let i = 0; i < this.x.length; i++) {
      for (let j = 0; j < other.x.length; j++) {
        const [x, z] = [this.x[i]! ^ other.x[j]!, this.z[i]! ^ other.z[j]!];
        // P = i^|x∧z| X^x Z^z, and Z^z X^x = (−1)^|z∧x| X^x Z^z
        const ys = bits(this.x[i]! & this.z[i]!) + bits(other.x[j]! & other.z[j]!) - bits(x & z);
        const power = (ys + 2 * parity(this.z[i]! & other.x[j]!) + 4 * 30) % 4;
        const re = this.re[i]! * other.re[j]! - this.im[i]! * other.im[j]!;
        const im = this.re[i]! * other.im[j]! + this.im[i]! * other.re[j]!;
        const turned = [[re, im], [-im, re], [-re, -im], [im, -re]][power] as [number, number]; // prettier-ignore
        merge(map, x, z, turned[0], turned[1]);
      }
    }
    return new PauliSum(this.qubits, map);
  }

  /** `this · other − other · this`. */
  commutator(other: PauliSum): PauliSum {
    return this.product(other).plus(other.product(this).times(-1));
  }

  /**
   * Whether AB = BA.
   *
   * @throws ArgumentError where the numbers of qubits differ.
   */
  commutesWith(other: PauliSum): boolean {
    return this.commutator(other).x.length === 0;
  }
}

/** @throws ArgumentError where a coefficient has an imaginary part. */
export function checkHermitian(who: string, sum: PauliSum): void {
  const i = sum.im.findIndex((im) => im !== 0);
  if (i < 0) return;
  const { pauli, coefficient, imaginary } = sum.terms[i]!;
  throw new ArgumentError(
    `${who}: the Hamiltonian must be Hermitian, that is every coefficient real; got ${coefficient} + ${imaginary}i for ${pauli}. ` +
      'Add the Hermitian conjugate of each product.',
  );
}

function merge(
  map: Map<string, [number, number, number, number]>,
  x: number,
  z: number,
  re: number,
  im: number,
): void {
  const key = `${x},${z}`;
  const term = map.get(key);
  if (term) {
    term[2] += re;
    term[3] += im;
  } else {
    map.set(key, [x, z, re, im]);
  }
}

function checkSame(who: string, a: PauliSum, b: PauliSum): void {
  if (a.qubits !== b.qubits) {
    throw new ArgumentError(`${who}: both sums must be on the same qubits, got ${a.qubits} and ${b.qubits}.`);
  }
}

function maskOf(pauli: string, letters: string): number {
  let mask = 0;
  for (let q = 0; q < pauli.length; q++) if (letters.includes(pauli[q]!)) mask |= 1 << q;
  return mask;
}

/** The letters of a string from its masks. */
export function stringOf(qubits: number, x: number, z: number): string {
  return Array.from({ length: qubits }, (_, q) => 'IXZY'[((x >>> q) & 1) + 2 * ((z >>> q) & 1)]!).join('');
}

/** Number of bits set. */
export function bits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
