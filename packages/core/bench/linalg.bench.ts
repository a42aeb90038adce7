/**
 * The decompositions of `@ockham/core/linalg` at 512 × 512 beside LAPACK on one thread. From packages/core, with a
 * Python that has what `linalg.peer.py` names:
 *
 *     OCKHAM_PYTHON=python3 node --conditions=@ockham/source ../../tooling/bench/src/main.ts --only linalg
 *
 * Without OCKHAM_PYTHON it times ours alone. The bench harness stands on this package, so that nothing of it is
 * imported here.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cholesky, eigh, matrix, multiply, qr, singularValues, svd, type Matrix } from '@ockham/core/linalg';
import { Random } from '@ockham/core/random';

const n = 512;
const python = process.env.OCKHAM_PYTHON;
const random = new Random(7);
const a = matrix(
  n,
  n,
  Float64Array.from({ length: n * n }, () => random.normal()),
);
const definite = gramPlusIdentity(a);
const ours = {
  svd: () => void svd(a),
  'singular values': () => void singularValues(a),
  qr: () => void qr(a),
  eigh: () => void eigh(definite),
  cholesky: () => void cholesky(definite),
  multiply: () => void multiply(a, a),
};

export default {
  id: 'core/linalg',
  question: 'How near do QR, SVD, eigenvectors and Cholesky of 512 × 512 come to LAPACK on one thread?',
  rounds: 15,
  warmup: 5,
  against: python
    ? Object.fromEntries(Object.keys(ours).map((name) => [name, `${name}, LAPACK`]))
    : { qr: 'svd' },
  async prepare() {
    if (!python) return { variants: ours };
    const peer = await startPeer(python);
    return {
      variants: {
        ...ours,
        ...Object.fromEntries(Object.keys(ours).map((name) => [`${name}, LAPACK`, () => peer.run(name)])),
      },
      dispose: peer.stop,
    };
  },
};

/** A process that decomposes the same kind of matrix, and answers each line by one when it is done. */
async function startPeer(command: string): Promise<{ run(name: string): Promise<void>; stop(): void }> {
  const script = fileURLToPath(new URL('linalg.peer.py', import.meta.url));
  const process = spawn(command, [script, String(n)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: process.stdout });
  const answer = async (): Promise<void> => {
    const gone = once(process, 'exit').then(() => {
      throw new Error(`core/linalg: ${command} must run ${script}, but it ended. Install what it names.`);
    });
    await Promise.race([once(lines, 'line'), gone]);
    gone.catch(() => undefined);
  };
  await answer();
  return {
    run(name) {
      process.stdin.write(`${name}\n`);
      return answer();
    },
    stop: () => process.stdin.end(),
  };
}

function gramPlusIdentity(b: Matrix): Matrix {
  const gram = multiply(b, b, { transposeB: true });
  for (let i = 0; i < n; i++) gram.values[i * n + i]! += 1;
  return gram;
}
