import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AbortedError } from '@ockham/core';
import { whileLocked } from '../src/while-locked.ts';
import { temporaryFolder } from './toy.ts';

const never = new AbortController().signal;

it('lets one at a time work under a path, and the next one after an error', async () => {
  const path = join(await temporaryFolder(), 'models', 'base');
  const order: string[] = [];
  const work = (name: string) => async () => {
    order.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    order.push(`${name} ends`);
    if (name === 'a') throw new Error('no memory');
  };
  const first = whileLocked(path, never, work('a'));
  await Promise.all([expect(first).rejects.toThrow('no memory'), whileLocked(path, never, work('b'))]);
  expect(order).toHaveLength(4);
  const [one, two, three, four] = order;
  expect([one![0], three![0]]).toEqual([two![0], four![0]]);
});

it('does not wait any longer once the signal fires', async () => {
  const path = join(await temporaryFolder(), 'base');
  const controller = new AbortController();
  await whileLocked(path, never, async () => {
    const waiting = whileLocked(path, controller.signal, () => Promise.resolve());
    setTimeout(() => controller.abort(), 20);
    await expect(waiting).rejects.toBeInstanceOf(AbortedError);
  });
});
