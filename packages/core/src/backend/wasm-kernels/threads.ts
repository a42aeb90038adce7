import { backend as currentBackend } from '@tensorflow/tfjs-core';
import type { Spawn } from '../../kernels/threads/team.ts';
import { isShared, kernelsOf } from './attach.ts';

/** How many threads share the work of the wasm engine in use, and why there are not more. */
export interface Threads {
  readonly threads: number;
  readonly why?: string;
}

/** The part of the wasm engine that is used, structurally. */
interface WasmEngine {
  readonly wasm: { readonly tfjs: { getThreadsCount(): number } };
}

/**
 * Has as many threads share the work of the wasm engine in use, or fewer where the host does not allow it.
 *
 * @param wanted - Default: as many as last time; the first time as many as the engine has for its own kernels.
 */
export async function shareWork(wanted: number | undefined, spawn: Spawn | undefined): Promise<Threads> {
  const engine = currentBackend();
  const attached = kernelsOf(engine);
  const alone = (why: string): Threads => ({ threads: 1, ...((wanted ?? 1) > 1 && { why }) });
  if (!attached) return alone('this engine has no SIMD');
  const { memory, team } = attached;
  if (!isShared(memory))
    return alone(
      'the memory of the engine is not shared (in Node it is where the first call asks for threads)',
    );
  if (!spawn) return alone('this host starts no worker threads');
  if (team.asked === undefined || wanted !== undefined) {
    const own = (engine as unknown as WasmEngine).wasm.tfjs.getThreadsCount();
    await team.resize(wanted ?? own, spawn);
  }
  return threadsInUse()!;
}

/** The threads of the wasm engine in use now: a worker may be lost. Undefined on another engine. */
export function threadsInUse(): Threads | undefined {
  const team = kernelsOf(currentBackend())?.team;
  return team && { threads: team.threads, ...(team.lost !== undefined && { why: team.lost }) };
}
