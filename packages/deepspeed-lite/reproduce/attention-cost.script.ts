import '@tensorflow/tfjs';
import { OckhamError } from '@ockham/core';
import { useBackend } from '@ockham/core/backend/node';
import type { Communicator } from '@ockham/core/comm';
import { Random } from '@ockham/core/random';
import { backend, grads, ones, tensor, tidy, type Tensor } from '@tensorflow/tfjs';
import { attentionOf, WIDTH, type Arm } from './attention-arms.ts';

/** What is asked of a fresh wasm engine. */
export type CostJob =
  | { readonly ask: 'bytes'; readonly arm: Arm; readonly length: number; readonly backward: boolean }
  | {
      readonly ask: 'times';
      readonly arms: readonly Arm[];
      readonly length: number;
      readonly repeats: number;
    };

/** Bytes of the engine's memory, which never shrinks, after a pass forward, and after one forward and backward; or milliseconds of forward passes in turns. */
export interface Cost {
  readonly bytes: readonly [forward: number, both: number];
  readonly times: Readonly<Partial<Record<Arm, number[]>>>;
}

/** Attends once, or often, on an engine of its own thread. */
export default async function costOf(_: Communicator, job: CostJob): Promise<Cost> {
  await useBackend('wasm', { threads: 1 });
  if (job.ask === 'times') return { bytes: [0, 0], times: timesOf(job) };
  const { arm, length, backward } = job;
  const bytes: [number, number] = [2 ** 32, 2 ** 32]; // more than the engine can have
  try {
    const [q, k, v] = [1, 2, 3].map(() => ones([1, length, WIDTH])) as [Tensor, Tensor, Tensor];
    const attend = attentionOf(arm, length);
    tidy(() => void attend(q, k, v));
    bytes[0] = heapBytes();
    if (backward) tidy(() => void grads(attend)([q, k, v], q));
    bytes[1] = heapBytes();
  } catch (error) {
    if (!(error instanceof OckhamError)) throw error;
  }
  return { bytes, times: {} };
}

function timesOf({ arms, length, repeats }: CostJob & { ask: 'times' }): Cost['times'] {
  const random = new Random(7);
  const normal = (): Tensor =>
    tensor(Float32Array.from({ length: length * WIDTH }, () => random.normal()), [1, length, WIDTH]); // prettier-ignore
  const [q, k, v] = [normal(), normal(), normal()];
  const ways = arms.map((arm) => [arm, attentionOf(arm, length)] as const);
  const times: Partial<Record<Arm, number[]>> = {};
  for (let repeat = -1; repeat < repeats; repeat++)
    for (const [arm, attend] of repeat % 2 === 0 ? ways : ways.toReversed()) {
      const start = performance.now();
      tidy(() => void attend(q, k, v).dataSync());
      if (repeat >= 0) (times[arm] ??= []).push(performance.now() - start);
    }
  return times;
}

/** The memory of the wasm engine in use. */
function heapBytes(): number {
  const { wasm } = backend() as unknown as {
    wasm: { asm?: { memory?: WebAssembly.Memory }; wasmMemory?: WebAssembly.Memory };
  };
  return (wasm.asm?.memory ?? wasm.wasmMemory)!.buffer.byteLength;
}
