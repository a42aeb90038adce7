import { spawnSync } from 'node:child_process';
import { launch, launchMpi } from '@ockham/core/comm/node';
import { randomProblem, solve, type SolveOptions } from '@ockham/feature-subsample';
import { describe, expect, it } from 'vitest';

const script = new URL('fixtures/solve.script.ts', import.meta.url);
const hasMpi = spawnSync('mpirun', ['--version']).status === 0;
const shared = { workers: 5, rounds: 12, seed: 3, guard: 'off' } as const;

const methods: [string, SolveOptions][] = [
  ['consensus', { ...shared, method: 'consensus', localSteps: 2 }],
  ['the control variate', { ...shared, acceleration: 'nesterov', snapshotEvery: 3 }],
];

describe.each(methods)('%s', (_, options) => {
  const alone = async () => {
    const { A, b } = randomProblem(24, 16, { seed: 1 });
    const { x } = await solve(A, b, options);
    return Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString('hex');
  };

  it.each([2, 3, 4])('gives on %i threads the bits of one rank', async (n) => {
    expect(await launch<string>(n, script, { data: options })).toEqual(Array(n).fill(await alone()));
  });

  it.skipIf(!hasMpi).each([2, 4])('gives on %i ranks of MPI the bits of one', async (n) => {
    expect(await launchMpi<string>(n, script, { data: options })).toEqual(Array(n).fill(await alone()));
  });
});
