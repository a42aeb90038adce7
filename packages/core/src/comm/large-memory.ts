/** Memory for data that the caches do not hold. */

const PAGE = 65_536;
type Advise = (memory: ArrayBuffer) => void;
let advise: Advise | undefined;

/**
 * A WebAssembly memory of at least `bytes`, all zero, for data that the caches do not hold. A rank under Node on Linux asks the
 * system for pages of 2 MiB, which reading through 320 MB of doubles does some tenth faster with (measured); elsewhere it is a memory
 * like any other.
 *
 * @throws RangeError of the engine where there is no room, or for more than its 4 GiB.
 */
export function largeMemory(bytes: number): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
  advise?.(memory.buffer);
  return memory;
}

/** Sees every memory that {@link largeMemory} makes from now on, before anything is written to it. */
export function adviseLargeMemory(how: Advise): void {
  advise = how;
}
