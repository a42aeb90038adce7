/** A memory for kernels outside an engine: grows as it must, and gives again what was freed. */
import { OckhamError } from '../../errors.ts';

/** Memory by byte offsets. */
export interface Space {
  /** What the offsets point into. */
  readonly memory: WebAssembly.Memory;
  /** @throws OckhamError `out-of-memory`. */
  allocate(bytes: number): number;
  /** Gives memory of {@link Space.allocate} back. */
  free(address: number): void;
}

/** Of 64 KB, all that WebAssembly can address. */
const PAGES = 65_536;

/** An empty memory, first fit, in steps of 16 bytes; `who` is named where it cannot grow. */
export function ownMemory(who = 'quantizedProducts'): Space {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: PAGES });
  const taken = new Map<number, number>();
  /** What is free, in order: start and end. The last is the rest. */
  const gaps: [start: number, end: number][] = [[16, PAGES * 65_536]];
  return {
    memory,
    allocate(bytes) {
      const size = 16 * Math.ceil(Math.max(1, bytes) / 16);
      const gap = gaps.find(([start, end]) => end - start >= size);
      const missing = gap ? Math.ceil((gap[0] + size - memory.buffer.byteLength) / 65_536) : 0;
      try {
        if (!gap) throw new RangeError('no gap is large enough');
        if (missing > 0) memory.grow(missing);
      } catch (cause) {
        throw new OckhamError(
          'out-of-memory',
          `${who}: ${(bytes / 2 ** 20).toFixed(0)} MiB more could not be had in a WebAssembly memory, which ends at 4096 MiB. Dispose of matrices that were loaded, or multiply fewer rows at a time.`,
          { cause },
        );
      }
      const address = gap[0];
      gap[0] += size;
      if (gap[0] === gap[1]) gaps.splice(gaps.indexOf(gap), 1);
      taken.set(address, size);
      return address;
    },
    free(address) {
      const size = taken.get(address);
      if (size === undefined) return;
      taken.delete(address);
      const next = gaps.findIndex(([start]) => start > address);
      const at = next < 0 ? gaps.length : next;
      gaps.splice(at, 0, [address, address + size]);
      if (gaps[at + 1]?.[0] === address + size) gaps[at]![1] = gaps.splice(at + 1, 1)[0]![1];
      if (gaps[at - 1]?.[1] === address) gaps[at - 1]![1] = gaps.splice(at, 1)[0]![1];
    },
  };
}
