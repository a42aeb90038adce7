import { eigh } from '@ockham/core/linalg/eigh';
import { Random } from '@ockham/core/random';
import {
  commutingGroups,
  formatHamiltonian,
  heisenberg,
  hydrogen,
  lowestLevels,
  parseMolecule,
  PauliSum,
  Simulator,
  Circuit,
  transverseFieldIsing,
  xGroups,
} from '@ockham/quantum-game';
import { describe, expect, it } from 'vitest';
import { randomSum } from './random-circuit.ts';

type Complex = readonly [number, number];
const LETTERS: Readonly<Record<string, readonly Complex[]>> = {
  I: [[1, 0], [0, 0], [0, 0], [1, 0]],
  X: [[0, 0], [1, 0], [1, 0], [0, 0]],
  Y: [[0, 0], [0, -1], [0, 1], [0, 0]],
  Z: [[1, 0], [0, 0], [0, 0], [-1, 0]],
}; // prettier-ignore

/** The matrix of a sum from 2 × 2 matrices, as the real [[A, −B], [B, A]]. */
function denseMatrix(sum: PauliSum): Float64Array {
  const size = 2 ** sum.qubits;
  const values = new Float64Array(4 * size * size);
  for (const { pauli, coefficient, imaginary = 0 } of sum.terms) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        let [re, im] = [coefficient, imaginary];
        for (let q = 0; q < sum.qubits; q++) {
          const [a, b] = LETTERS[pauli[q]!]![2 * ((i >> q) & 1) + ((j >> q) & 1)]!;
          [re, im] = [re * a - im * b, re * b + im * a];
        }
        values[2 * size * i + j]! += re;
        values[2 * size * (i + size) + j + size]! += re;
        values[2 * size * (i + size) + j]! += im;
        values[2 * size * i + j + size]! -= im;
      }
    }
  }
  return values;
}

function denseLevels(sum: PauliSum): number[] {
  const n = 2 * 2 ** sum.qubits;
  const { values } = eigh({ rows: n, columns: n, values: denseMatrix(sum) });
  return [...values].filter((_, i) => i % 2 === 0);
}

describe('lowestLevels', () => {
  it('equals dense diagonalisation, degenerate levels and complex matrices included', () => {
    const sums = [
      transverseFieldIsing(5),
      heisenberg(4, { periodic: true }),
      heisenberg(5),
      randomSum(new Random(1), 4, 20),
      PauliSum.from([{ pauli: 'ZZZ', coefficient: 2 }]),
      PauliSum.from([{ pauli: 'II', coefficient: 3 }]),
    ];
    for (const sum of sums) {
      const exact = denseLevels(sum);
      const count = Math.min(8, exact.length);
      const { values, multiplicities } = lowestLevels(sum, count);
      values.forEach((value, i) => expect(value).toBeCloseTo(exact[i]!, 10));
      multiplicities.forEach((m, i) => {
        const degeneracy = exact.filter((value) => Math.abs(value - exact[i]!) < 1e-7).length;
        expect(m).toBe(degeneracy);
      });
    }
  });

  it('refuses 15 qubits, and more levels than there are', () => {
    expect(() => lowestLevels(transverseFieldIsing(15), 1)).toThrow('at most 14 qubits');
    expect(() => lowestLevels(hydrogen(), 5)).toThrow('[1, 4], got 5');
  });
});

describe('PauliSum', () => {
  it('multiplies and commutes as matrices do', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(seed);
      const [a, b] = [randomSum(random, 2, 4), randomSum(random, 2, 4)];
      const [x, y, z] = [a, b, a.product(b)].map((sum) => denseMatrix(sum)) as [Float64Array, Float64Array, Float64Array]; // prettier-ignore
      for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 8; j++) {
          let sum = 0;
          for (let k = 0; k < 8; k++) sum += x[8 * i + k]! * y[8 * k + j]!;
          expect(z[8 * i + j]).toBeCloseTo(sum, 12);
        }
      }
    }
    const [x, z] = ['X', 'Z'].map((pauli) => PauliSum.from([{ pauli, coefficient: 1 }])) as [
      PauliSum,
      PauliSum,
    ];
    expect(x.product(z).terms).toEqual([{ pauli: 'Y', coefficient: 0, imaginary: -1 }]);
    expect(x.commutesWith(z)).toBe(false);
    expect(x.commutesWith(x)).toBe(true);
  });

  it('groups terms that share a measurement, and terms that flip the same qubits', () => {
    const groups = commutingGroups(hydrogen());
    expect(groups).toHaveLength(2);
    expect(groups.flatMap(({ terms }) => terms)).toHaveLength(4);
    expect(xGroups(hydrogen()).map(({ x }) => x)).toEqual([0, 3]);
  });

  it('a sum that is not Hermitian, and a bad string, are refused', () => {
    const sum = PauliSum.from([{ pauli: 'XY', coefficient: 1, imaginary: 0.5 }]);
    expect(() => lowestLevels(sum, 1)).toThrow('must be Hermitian');
    expect(() => PauliSum.from([{ pauli: 'XQ', coefficient: 1 }])).toThrow("got 'XQ'");
    expect(() => PauliSum.from([{ pauli: 'X', coefficient: NaN }])).toThrow('must be finite');
    expect(() => PauliSum.from([])).toThrow('at least one term');
  });
});

describe('the JSON of a Hamiltonian', () => {
  it('goes out and comes back', () => {
    expect(parseMolecule(formatHamiltonian(hydrogen())).hamiltonian.terms).toEqual(hydrogen().terms);
  });

  it.each([
    ['{\n "terms": [\n  {"pauli": "XX", "coeff": 1},\n  {"pauli": "XQ", "coeff": 1}\n ]\n}', 4, 'term 1'],
    ['{\n "nQubits": 2,\n "terms": [\n  {"pauli": "XX", "coeff": "one"}\n ]\n}', 4, 'coeff'],
    ['{\n "terms": []\n}', 2, 'at least one'],
    ['{\n "terms": [\n  {"pauli": "XX" "coeff": 1}\n ]\n}', 3, 'JSON'],
    ['[1]', 1, 'terms'],
    ['{\n "terms": [\n  {"coeff": 1}\n ]\n}', 1, '1 to 30 qubits'],
    ['{\n "nQubits": 31,\n "terms": [{}]\n}', 2, '1 to 30 qubits, .* got 31'],
  ])('is refused with its line: %j', (text, line, problem) => {
    expect(() => parseMolecule(text)).toThrow(new RegExp(`line ${line}: .*${problem}`));
  });
});

it('a state that does not fit in memory is refused with its bytes', () => {
  expect(() => new Simulator(new Circuit(28).h(0))).toThrow('8,589,934,592 bytes');
});
