import { spawnSync } from 'node:child_process';
import { useBackend } from '@ockham/core/backend/node';
import { simulate } from '@ockham/core/comm';
import { launch, launchMpi } from '@ockham/core/comm/node';
import { afterAll, describe, expect, it } from 'vitest';
import type { EngineConfig } from '../src/index.ts';
import rank from './fixtures/train.script.ts';

const script = new URL('fixtures/train.script.ts', import.meta.url);
const hasMpi = spawnSync('mpirun', ['--version']).status === 0;

afterAll(() => useBackend((process.env.OCKHAM_ENGINE ?? 'auto') as 'auto'));

describe('one script gives the same bits', () => {
  const data: EngineConfig = { zero: 2, globalBatch: 16, microBatch: 4, bucketSize: 20, learningRate: 0.01 };

  it('in threads as simulated', async () => {
    const { results } = await simulate(2, ({ comm }) => rank(comm, data));
    expect(results[1]).toBe(results[0]);
    expect(await launch<string>(2, script, { data })).toEqual(results);
  }, 240_000);

  it('in threads as simulated, tensor parts and pipeline stages too', async () => {
    const meshed: EngineConfig = {
      ...data,
      zero: 0,
      accumulation: 2,
      microBatch: 8,
      mesh: { tensor: 2, pipeline: 2 },
    };
    const { results } = await simulate(4, ({ comm }) => rank(comm, meshed));
    expect(new Set(results).size).toBe(1);
    expect(await launch<string>(4, script, { data: meshed })).toEqual(results);
  }, 240_000);

  it.skipIf(!hasMpi)(
    'under mpirun -n 2 as simulated',
    async () => {
      const sharded = { ...data, zero: 3 } as const;
      const { results } = await simulate(2, ({ comm }) => rank(comm, sharded));
      expect(await launchMpi<string>(2, script, { data: sharded })).toEqual(results);
    },
    240_000,
  );
});
