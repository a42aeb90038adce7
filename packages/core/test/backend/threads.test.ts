import * as tf from '@tensorflow/tfjs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describeBackend, useBackend } from '@ockham/core/backend/node';
import { describe, expect, it } from 'vitest';
import { isShared, kernelsOf } from '../../src/backend/wasm-kernels/attach.ts';
import { compute } from '../threaded-work.ts';
import { freshWasm } from './wasm-engine.ts';

const attached = () => kernelsOf(tf.backend())!;

describe('the wasm engine with threads', () => {
  it('gives the bits of one thread, on a memory of its own or a shared one', async () => {
    await freshWasm(); // later it stays on the shared build
    expect(isShared(attached().memory)).toBe(false);
    const expected = await compute();
    const { threads: given, reason } = await useBackend('wasm', { threads: 2 });
    expect(given).toBe(1);
    expect(reason).toBe(
      'the package @tensorflow/tfjs-backend-wasm; not more threads: the memory of the engine is not shared ' +
        '(in Node it is where the first call asks for threads)',
    );
    expect(describeBackend()).toContain(reason);
    for (const threads of [2, 3]) {
      const info = await freshWasm({ threads });
      expect(info).toMatchObject({ name: 'wasm', threads, simd: true });
      expect(isShared(attached().memory)).toBe(true);
      expect(await compute()).toEqual(expected);
    }
    expect((await useBackend('wasm', { threads: 1 })).threads).toBe(1);
    expect(await compute()).toEqual(expected);
  });

  it('says how many threads it has, keeps them until asked again, and loses none in growing its memory', async () => {
    await freshWasm({ threads: 2 });
    const line = 'wasm 4.22.0, SIMD, 2 threads: the package @tensorflow/tfjs-backend-wasm';
    expect(describeBackend()).toBe(line);
    expect((await useBackend('wasm')).threads).toBe(2);
    const large = tf.zeros([40_000_000]); // beyond the memory at the start
    const expected = await compute();
    expect(describeBackend()).toBe(line);
    large.dispose();
    await useBackend('wasm', { threads: 1 });
    expect(describeBackend()).toBe(line.replace('2 threads', '1 thread'));
    expect(await compute()).toEqual(expected);
  });

  it('says when a worker is lost, and computes on', async () => {
    await freshWasm({ threads: 2 });
    const expected = await compute();
    attached().team.end();
    expect(describeBackend()).toMatch(
      /^wasm 4\.22\.0, SIMD, 1 thread: .*; not more threads: the workers were sent home$/,
    );
    expect(await compute()).toEqual(expected);
  });

  it('leaves no worker behind when it is removed', async () => {
    await freshWasm({ threads: 3 });
    const { team } = attached();
    expect(team.threads).toBe(3);
    await freshWasm();
    expect(team.threads).toBe(1);
    expect(attached().team).not.toBe(team);
  });

  it('lets the process end', async () => {
    const program = `
      import * as tf from '@tensorflow/tfjs';
      import { useBackend } from '@ockham/core/backend/node';
      const { threads } = await useBackend('wasm', { threads: 2 });
      const a = tf.ones([256, 256]);
      process.stdout.write(threads + ' ' + tf.matMul(a, a, true).dataSync()[0]);
    `;
    const flags = ['--conditions=@ockham/source', '--input-type=module', '--eval', program];
    const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (text) => (said += String(text)));
    const late = setTimeout(() => child.kill('SIGKILL'), 30_000);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(late);
    expect([code, said]).toEqual([0, '2 256']);
  });
});
