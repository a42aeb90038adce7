import { expect, it } from 'vitest';
import { killOne, type Transport } from '../fixtures/comm/kill-one.ts';
import { launchers } from '../fixtures/comm/launchers.ts';

const mpi = (launchers.length > 0 ? launchers : ['mpirun']).map((mpirun) => [mpirun, 'mpi', mpirun] as const);
/** `OCKHAM_COMM_KILLS=34` makes it a hundred in all. */
const runs = Number(process.env.OCKHAM_COMM_KILLS ?? 2);

it.for<readonly [string, Transport, string?]>([['threads', 'threads'], ['processes', 'processes'], ...mpi])(
  'a random rank of %s that is ended at a random moment is named, and none is left',
  { timeout: 1_200_000 },
  async ([, transport, mpirun], { skip }) => {
    if (transport === 'mpi' && launchers.length === 0) skip('no mpirun');
    for (let seed = 0; seed < runs; seed++) {
      const { victim, named, survivors, left } = await killOne(transport, seed, mpirun);
      expect({ transport, seed, named, left }).toEqual({ transport, seed, named: victim, left: [] });
      expect(survivors.every((rank) => rank === victim)).toBe(true);
    }
  },
);
