import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@ockham/core/backend/node';
import { simulate } from '@ockham/core/comm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchElastic } from '../src/index.node.ts';
import rank, { type ElasticData } from './fixtures/elastic.script.ts';

const script = new URL('fixtures/elastic.script.ts', import.meta.url);

/** Eight threads take a while on two cores: `OCKHAM_COMM_KILLS` asks for them. */
const mesh = { tensor: process.env.OCKHAM_COMM_KILLS === undefined ? 1 : 2, pipeline: 2 };

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

  it('drops the whole data replica of a lost rank of a mesh, and the loss is that of the planned replay', async () => {
    const [run, copy] = [join(folder, 'mesh'), join(folder, 'mesh-copy')];
    const replica = mesh.tensor * mesh.pipeline;
    const data: ElasticData = { folder: run, mesh, dies: { ranks: 2 * replica, rank: replica + 1, after: 5 } }; // prettier-ignore
    let copied: Promise<void> | undefined;
    const left: number[] = [];
    const { results, lost } = await launchElastic<string>(2 * replica, script, {
      data,
      mesh,
      onLost: (_, ranks) => {
        left.push(ranks);
        copied = cp(run, copy, { recursive: true });
      },
    });
    await copied;
    expect(left).toEqual([replica]);
    expect(lost.map(({ code, rank: who }) => [code, who])).toEqual([['rank-lost', replica + 1]]);
    const { results: replay } = await simulate(replica, ({ comm }) => rank(comm, { folder: copy, mesh }));
    expect(
      replay[0]!
        .split(' ')
        .slice(0, 3)
        .every((loss) => Number(loss) > 0),
    ).toBe(true);
    expect(results).toEqual(replay);
  }, 240_000);

  it('refuses to go on where the only data replica has lost a rank', async () => {
    const mesh = { pipeline: 2 };
    const data: ElasticData = { folder: join(folder, 'only'), mesh, dies: { ranks: 2, rank: 1, after: 1 } };
    const error = await launchElastic(2, script, { data, mesh }).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: 'rank-lost', rank: 1 });
    expect((error as Error).message).toMatch(
      'rank 1 is gone, and with data 1 × tensor 1 × pipeline 2 no other rank has its part',
    );
    await expect(launchElastic(3, script, { mesh })).rejects.toThrow(
      'launchElastic: the mesh must multiply to the number of ranks, 3',
    );
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
