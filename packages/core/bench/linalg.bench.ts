/** The decompositions of `@ockham/core/linalg` beside LAPACK on one thread. */
import { cholesky, eigh, matrix, multiply, qr, singularValues, svd, type Matrix } from '@ockham/core/linalg';
import { Random } from '@ockham/core/random';
import { noPython } from '../../../tooling/bench/src/tools.ts';
import type { Bench } from '../../../tooling/bench/src/bench.ts';

const names = ['svd', 'singular values', 'qr', 'eigh', 'cholesky', 'multiply'] as const;
const lapack = (name: string): string => `${name}, LAPACK`;

/** Within 3 times of LAPACK. */
const wanted: Readonly<Record<string, number>> = { svd: 1 / 3, qr: 1 / 3 };

const linalg: Bench = {
  id: 'core/linalg',
  question: 'How near do the decompositions of 512 × 512 come to LAPACK on one thread?',
  rounds: 15,
  warmup: 5,
  seed: 7,
  pause: 20,
  ownEngines: true,
  against: Object.fromEntries(names.map((name) => [name, { [lapack(name)]: wanted[name] ?? 0 }])),
  async prepare({ smoke, python }) {
    const n = smoke ? 64 : 512;
    const random = new Random(7);
    const values = Float64Array.from({ length: n * n }, () => random.normal());
    const a = matrix(n, n, values);
    const definite = gramPlusIdentity(a, n);
    const ours = {
      svd: () => void svd(a),
      'singular values': () => void singularValues(a),
      qr: () => void qr(a),
      eigh: () => void eigh(definite),
      cholesky: () => void cholesky(definite),
      multiply: () => void multiply(a, a),
    };
    const peer = await python(new URL('linalg_peer.py', import.meta.url), [String(n)]);
    return {
      variants: {
        ...ours,
        ...(peer && Object.fromEntries(names.map((name) => [lapack(name), () => peer.run(name)]))),
      },
      skipped: peer ? {} : Object.fromEntries(names.map((name) => [lapack(name), noPython])),
      versions: peer?.versions ?? {},
    };
  },
};

export default linalg;

function gramPlusIdentity(b: Matrix, n: number): Matrix {
  const gram = multiply(b, b, { transposeB: true });
  for (let i = 0; i < n; i++) gram.values[i * n + i]! += 1;
  return gram;
}
