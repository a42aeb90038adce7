import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { killOne, type Transport } from '../fixtures/comm/kill-one.ts';

const hasMpi = spawnSync('mpirun', ['--version']).status === 0;
/** `OCKHAM_COMM_KILLS=34` makes it a hundred in all. */
const runs = Number(process.env.OCKHAM_COMM_KILLS ?? 2);

it.for<Transport>(['threads', 'processes', 'mpi'])(
  'a random rank of %s that is ended at a random moment is named, and none is left',
  { timeout: 1_200_000 },
  async (transport, { skip }) => {
    if (transport === 'mpi' && !hasMpi) skip('no mpirun');
    for (let seed = 0; seed < runs; seed++) {
      const { victim, named, survivors, left } = await killOne(transport, seed);
      expect({ transport, seed, named, left }).toEqual({ transport, seed, named: victim, left: [] });
      expect(survivors.every((rank) => rank === victim)).toBe(true);
    }
  },
);
