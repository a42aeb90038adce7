import { spawnSync } from 'node:child_process';
import { CommError, self, simulate } from '@ockham/core/comm';
import { launch, launchMpi, startRanks } from '@ockham/core/comm/node';
import { parallelQuantumGame, type ParallelStates } from '@ockham/quantum-game';
import { describe, expect, it } from 'vitest';
import { gameNames, games, playGame, type RankOutcome } from './fixtures/players.script.ts';

const script = new URL('./fixtures/players.script.ts', import.meta.url);
const hasMpi = spawnSync('mpirun', ['--version']).status === 0;
type All = Record<keyof typeof games, RankOutcome>;

function inOneProcess(name: keyof typeof games): ParallelStates {
  const { hamiltonian, ansatz, count, options } = games[name];
  return parallelQuantumGame(hamiltonian, ansatz, count, options);
}

describe('a game shared out has the bits of the one in one process', () => {
  it.each(gameNames)(
    '%s: on one rank, without a byte sent, and on each of 2, 3 and 5 ranks',
    async (game) => {
      const expected = inOneProcess(game);
      const { states, traffic } = await playGame(self(), game);
      expect(states).toEqual(expected);
      expect(traffic).toMatchObject({ sent: 0, received: 0 });
      for (const n of [2, 3, 5]) {
        const { results } = await simulate(n, ({ comm }) => playGame(comm, game));
        for (const found of results) expect(found.states).toEqual(expected);
      }
    },
  );

  it.each([2, 3])('all of them on each of %i threads', async (n) => {
    for (const found of await launch<All>(n, script, { memory: 2 ** 27 })) {
      for (const game of gameNames) expect(found[game].states).toEqual(inOneProcess(game));
    }
  });

  it.skipIf(!hasMpi)('all of them on ranks of MPI', async () => {
    for (const found of await launchMpi<All>(2, script)) {
      for (const game of gameNames)
        expect(JSON.stringify(found[game].states)).toBe(JSON.stringify(inOneProcess(game)));
    }
  });

  it('among the games are some with restarts, and some that pass their certificate', () => {
    expect(inOneProcess('Adam, restarted').restarts).toBeGreaterThan(0);
    expect(inOneProcess('L-BFGS, restarted').restarts).toBeGreaterThan(0);
    expect(inOneProcess('delayed, by age').certificate.passed).toBe(true);
  });
});

describe('the bytes of a rank', () => {
  it.each([2, 3, 4])(
    'are 8, and 8 for each angle and seven numbers of its players, to each other of %i',
    async (n) => {
      const { results } = await simulate(n, ({ comm }) => playGame(comm, 'players that never rest'));
      const { ansatz, options } = games['players that never rest'];
      const message = (rank: number): number => {
        const players = Math.floor(((rank + 1) * 4) / n) - Math.floor((rank * 4) / n);
        return 8 * (1 + players * (ansatz.parameters + 7));
      };
      const all = results.reduce((sum, _, rank) => sum + message(rank), 0);
      results.forEach(({ traffic }, rank) =>
        expect(traffic).toEqual({
          calls: options.maxRounds,
          sent: options.maxRounds * (n - 1) * message(rank),
          received: options.maxRounds * (all - message(rank)),
        }),
      );
    },
  );

  it('are 8 a round where no player of it has begun', async () => {
    const { results } = await simulate(4, ({ comm }) => playGame(comm, 'players that never begin'));
    const { options } = games['players that never begin'];
    for (const { traffic } of results.slice(1)) expect(traffic.sent).toBe(options.maxRounds * 3 * 8);
  });
});

describe('a rank that goes wrong', () => {
  it('and exits is named to the others, and to who launched it', async () => {
    const job = startRanks(2, script, { data: 'exits', memory: 2 ** 27 });
    const [first] = await job.settled;
    const told = { name: 'CommError', code: 'rank-lost', rank: 1 };
    expect(first).toEqual({ status: 'fulfilled', value: told });
    await expect(job.results()).rejects.toBeInstanceOf(CommError);
    await expect(job.results()).rejects.toThrow(/rank 1 ended \(exit code 3\)/);
  });

  it('and is ended from outside is named too', async () => {
    const job = startRanks(2, script, { data: undefined, memory: 2 ** 27 });
    job.ranks[1]!.terminate();
    await expect(job.results()).rejects.toMatchObject({ name: 'CommError', code: 'rank-lost', rank: 1 });
  });

  it('but one whose signal fires stops all after the same round, in a group that is still whole', async () => {
    const told = await launch<string>(2, script, { data: 'aborts', memory: 2 ** 27 });
    expect(told[0]).toMatch(/stopped by the AbortSignal of rank 1/);
    expect(told[1]).toMatch(/stopped by the AbortSignal\. Run it again/);
  });
});
