import { existsSync } from 'node:fs';
import { largeMemory } from '@ockham/core/comm';
import { launch, launchProcesses } from '@ockham/core/comm/node';
import { describe, expect, it } from 'vitest';

const script = new URL('../fixtures/comm/large-memory.script.ts', import.meta.url);
const MIB = 2 ** 20;

it('a large memory has room for the bytes, and zeros', () => {
  expect(largeMemory(1).buffer.byteLength).toBe(65_536);
  expect(new Uint8Array(largeMemory(100_000).buffer).every((byte) => byte === 0)).toBe(true);
  expect(largeMemory(100_000).buffer.byteLength).toBe(2 * 65_536);
  expect(() => largeMemory(2 ** 40)).toThrow(RangeError);
});

describe.skipIf(!existsSync('/sys/kernel/mm/transparent_hugepage'))('a rank asks for huge pages', () => {
  it('in a thread, for what is large only', async () => {
    const [large] = await launch<{ length: number; asked: number }>(1, script, { data: 64 * MIB });
    expect(large!.length).toBe(64 * MIB);
    expect(large!.asked).toBeGreaterThanOrEqual(64 * 1024);
    const [small] = await launch<{ length: number; asked: number }>(1, script, { data: MIB });
    expect(small!.asked).toBeLessThan(64 * 1024);
  });

  it('in a process', async () => {
    const [large] = await launchProcesses<{ length: number; asked: number }>(1, script, { data: 64 * MIB });
    expect(large!.asked).toBeGreaterThanOrEqual(64 * 1024);
  });
});
