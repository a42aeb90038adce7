import { launch, simulate } from '@ockham/core/comm';
import { describe, expect, inject, it } from 'vitest';
import { conform } from './fixtures/comm/conformance.ts';

it('the page is isolated where the configuration says so', () => {
  expect(crossOriginIsolated).toBe(inject('isolated') === true);
});

describe.runIf(crossOriginIsolated)('in a page that is cross-origin isolated', () => {
  const start = (): Worker =>
    new Worker(new URL('./fixtures/comm/conform.page.ts', import.meta.url), { type: 'module' });

  it('ranks are workers, and give the bits of ranks on a virtual clock', async () => {
    const data = { seed: 3, cases: 27 };
    const digests = await launch<string>(3, start, { data, memory: 2 ** 28 });
    const { results } = await simulate(3, ({ comm }) => conform(comm, data));
    expect(digests).toEqual(results);
  });

  it('a rank that throws is named', async () => {
    await expect(launch(2, start, { data: undefined, memory: 2 ** 27 })).rejects.toMatchObject({ name: 'CommError', code: 'rank-lost' }); // prettier-ignore
  });
});

describe.runIf(!crossOriginIsolated)('in any other page', () => {
  it('threads are said not to be had', async () => {
    await expect(launch(2, 'data:text/javascript,')).rejects.toThrow(/must be cross-origin isolated/);
  });
});
