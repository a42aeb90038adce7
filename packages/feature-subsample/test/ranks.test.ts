import { self, type CommArray, type Communicator } from '@ockham/core/comm';
import { randomProblem, solve, type SolveOptions } from '@ockham/feature-subsample';
import { describe, expect, it } from 'vitest';

/** Ranks of one thread that pass messages through queues: what `solve` needs of a communicator. */
function group(size: number): Communicator[] {
  const boxes = new Map<string, { sent: CommArray[]; waiting: ((x: CommArray) => void)[] }>();
  const box = (from: number, to: number): { sent: CommArray[]; waiting: ((x: CommArray) => void)[] } => {
    const key = `${from}>${to}`;
    if (!boxes.has(key)) boxes.set(key, { sent: [], waiting: [] });
    return boxes.get(key)!;
  };
  return Array.from({ length: size }, (_, rank) => {
    const comm = { ...self(), rank, size } as Communicator;
    return Object.assign(comm, {
      send: (x: CommArray, to: number) => {
        const { sent, waiting } = box(rank, to);
        const next = waiting.shift();
        if (next) next(x.slice());
        else sent.push(x.slice());
        return Promise.resolve(x);
      },
      recv: async (x: CommArray, from: number) => {
        const { sent, waiting } = box(from, rank);
        const message = sent.shift() ?? (await new Promise<CommArray>((resolve) => waiting.push(resolve)));
        if (message.constructor !== x.constructor || message.length !== x.length)
          throw new Error(`expected ${x.length}, got ${message.length}`);
        x.set(message);
        return x;
      },
      broadcast: async (x: CommArray) => {
        if (rank > 0) return comm.recv(x, 0);
        for (let to = 1; to < size; to++) await comm.send(x, to);
        return x;
      },
    });
  });
}

const { A, b } = randomProblem(24, 16, { seed: 1 });

describe.each<[string, SolveOptions]>([
  ['gd', { method: 'gd' }],
  ['bernoulli masks', { method: 'masked', localSteps: 3 }],
  ['deregularised blocks', { method: 'deregularised', masks: 'blocks' }],
  ['consensus', { method: 'consensus', localSteps: 2 }],
  ['greedy masks', { method: 'masked', masks: 'greedy' }],
  ['the control variate', { acceleration: 'nesterov', snapshotEvery: 3 }],
  ['recursive differences in float32', { variate: 'recursive', precision: 'float32' }],
  ['SCAFFOLD', { method: 'scaffold', localSteps: 2 }],
  ['a run that stops early', { method: 'cg', tolerance: 1e-3 }],
])('%s', (_, options) => {
  it.each([2, 3, 4, 7])('gives the same bits on %i ranks as on one', async (size) => {
    const all = { workers: 5, rounds: 12, seed: 3, guard: 'off', ...options } as const;
    const alone = await solve(A, b, all);
    const together = await Promise.all(group(size).map((transport) => solve(A, b, { ...all, transport })));
    for (const { x, status } of together) {
      expect(x).toEqual(alone.x);
      expect(status).toBe(alone.status);
    }
    expect(together[0]!.bytes).toEqual(alone.bytes);
  });
});
