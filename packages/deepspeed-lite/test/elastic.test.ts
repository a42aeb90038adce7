import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@ockham/core/backend/node';
import { simulate } from '@ockham/core/comm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchElastic } from '../src/index.node.ts';
import rank, { type ElasticData } from './fixtures/elastic.script.ts';

const script = new URL('fixtures/elastic.script.ts', import.meta.url);

describe('launchElastic', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'elastic-'))));
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await useBackend((process.env.OCKHAM_ENGINE ?? 'auto') as 'auto');
  });

  it('goes on with one rank fewer from the last checkpoint, to the bits of the planned replay', async () => {
    const [run, copy] = [join(folder, 'run'), join(folder, 'copy')];
    const data: ElasticData = { folder: run, dies: { ranks: 3, rank: 1, after: 5 } };
    let copied: Promise<void> | undefined;
    const { results, lost } = await launchElastic<string>(3, script, {
      data,
      onLost: () => void (copied = cp(run, copy, { recursive: true })),
    });
    await copied;
    expect(lost.map(({ code, rank: who }) => [code, who])).toEqual([['rank-lost', 1]]);
    expect(results).toHaveLength(2);
    const { results: replay } = await simulate(2, ({ comm }) => rank(comm, { folder: copy }));
    expect(results).toEqual(replay);
  }, 240_000);

  it('ends where too few are left, naming the rank', async () => {
    const data: ElasticData = { folder: join(folder, 'other'), dies: { ranks: 2, rank: 0, after: 1 } };
    const error = await launchElastic(2, script, { data, minimum: 2 }).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: 'rank-lost', rank: 0 });
    await expect(launchElastic(2, script, { minimum: 3 })).rejects.toThrow(
      'minimum must be an integer in [1, 2], got 3',
    );
  }, 240_000);
});
