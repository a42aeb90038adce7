import { loadKoffi } from './koffi.node.ts';
import { adviseLargeMemory } from './large-memory.ts';

const HUGE_PAGE = 2 ** 21;
/** Less gains nothing that could be measured. */
const LEAST = 8 * HUGE_PAGE;
/** Of Linux: huge pages for this range, where the system leaves it to the program (`madvise`, what most distributions set). */
const MADV_HUGEPAGE = 14;

/** From now on large memories ask for huge pages, on Linux with the package koffi; elsewhere nothing changes. */
export function askForHugePages(): void {
  if (process.platform !== 'linux') return;
  adviseLargeMemory((memory) => {
    if (memory.byteLength < LEAST) return;
    try {
      const madvise = loadKoffi().load(null).func('int madvise(void *, size_t, int)');
      madvise(new Uint8Array(memory), memory.byteLength, MADV_HUGEPAGE);
    } catch {
      // no koffi: pages as they are
    }
  });
}
