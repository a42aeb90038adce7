import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@ockham/core/backend/node';
import { simulate } from '@ockham/core/comm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchElastic } from '../src/index.node.ts';
import rank, { type ElasticData } from './fixtures/elastic.script.ts';

// one rank fewer of data ranks alone: elastic-kills.test.ts
const script = new URL('fixtures/elastic.script.ts', import.meta.url);
const dying = new URL('fixtures/dies.script.ts', import.meta.url);

/** Eight threads take a while on two cores: `OCKHAM_COMM_KILLS` asks for them. */
const mesh = { tensor: process.env.OCKHAM_COMM_KILLS === undefined ? 1 : 2, pipeline: 2 };

describe('launchElastic', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'elastic-'))));
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await useBackend((process.env.OCKHAM_ENGINE ?? 'auto') as 'auto');
  });

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
    const error = await failure(launchElastic(2, dying, { data: { dies: 1 }, mesh: { pipeline: 2 } }));
    expect(error).toMatchObject({ code: 'rank-lost', rank: 1 });
    expect((error as Error).message).toMatch(
      'launchElastic: rank 1 is gone, and with data 1 × tensor 1 × pipeline 2 no other rank has its part',
    );
    await expect(launchElastic(3, dying, { mesh: { pipeline: 2 } })).rejects.toThrow(
      'launchElastic: the mesh must multiply to the number of ranks, 3',
    );
  }, 240_000);

  it('ends where too few are left, naming the rank', async () => {
    const error = await failure(launchElastic(2, dying, { data: { dies: 0 }, minimum: 2 }));
    expect(error).toMatchObject({ code: 'rank-lost', rank: 0 });
    await expect(launchElastic(2, dying, { minimum: 3 })).rejects.toThrow(
      'minimum must be an integer in [1, 2], got 3',
    );
  }, 240_000);
});

/** What a promise was rejected with. */
async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
}
