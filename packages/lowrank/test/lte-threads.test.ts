import { self } from '@ockham/core/comm';
import { useBackend } from '@ockham/core/backend/node';
import { launch } from '@ockham/core/comm/node';
import { afterAll, expect, it } from 'vitest';
import rank from './fixtures/lte.script.ts';

afterAll(() => useBackend((process.env.OCKHAM_ENGINE ?? 'auto') as 'auto'));

it('lte gives on three threads the bits of one rank', async () => {
  const alone = await rank(self());
  const threads = await launch<string>(3, new URL('fixtures/lte.script.ts', import.meta.url));
  expect(threads).toEqual([alone, alone, alone]);
});
