import * as tf from '@tensorflow/tfjs';
import { describeBackend, useBackend } from '@ockham/core/backend';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { isShared, kernelsOf } from '../src/backend/wasm-kernels/attach.ts';
import { compute } from './threaded-work.ts';

it('the page is isolated where the configuration says so', () => {
  expect(crossOriginIsolated).toBe(inject('isolated') === true);
});

const attached = () => kernelsOf(tf.backend())!;

describe.runIf(crossOriginIsolated)('in a page that is cross-origin isolated', () => {
  afterEach(async () => void (await useBackend('wasm', { wasmPaths, threads: 1 })));

  it('three threads share the work, and give the bits of one', async () => {
    const { threads } = await useBackend('wasm', { wasmPaths, threads: 3 });
    expect(threads).toBe(3);
    expect(isShared(attached().memory)).toBe(true);
    expect(describeBackend()).toMatch(/SIMD, 3 threads: [^;]*$/);
    const shared = await compute();
    await useBackend('wasm', { threads: 1 });
    expect(describeBackend()).toMatch(/SIMD, 1 thread: /);
    expect(shared).toEqual(await compute());
  });

  it('the page computes on when a worker is gone', async () => {
    await useBackend('wasm', { wasmPaths, threads: 2 });
    const expected = await compute();
    attached().team.end();
    expect(await compute()).toEqual(expected);
    expect(describeBackend()).toMatch(/SIMD, 1 thread: /);
  });
});

describe.runIf(!crossOriginIsolated)('in a page that is not cross-origin isolated', () => {
  it('one thread does all, and the reason says why', async () => {
    const { threads, reason } = await useBackend('wasm', { wasmPaths, threads: 2 });
    expect(threads).toBe(1);
    expect(reason).toMatch(/not more threads: the memory of the engine is not shared/);
    expect(describeBackend()).toContain(reason);
    expect((await compute()).every((array) => array.every(Number.isFinite))).toBe(true);
  });
});
