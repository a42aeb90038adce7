import { bindKernels, compileKernels, type Kernels } from '../../src/kernels/index.ts';
import { inUnits } from '../../src/kernels/threads/in-units.ts';
import { Team, type TeamMemory } from '../../src/kernels/threads/team.ts';

/** Kernels on a shared memory, for one thread and for a team that is made as large as a test wants. */
export interface TeamBench {
  readonly alone: Kernels;
  readonly shared: Kernels;
  readonly team: Team;
  readonly memory: WebAssembly.Memory;
  /** Copies numbers in; a number reserves as many, filled with NaN. Returns the byte offset. */
  place(values: Float32Array | number): number;
  /** The bytes of as many numbers. */
  read(address: number, length: number): Uint8Array;
  /** Gives all that was placed back. */
  reset(): void;
}

const PAGES = 3072;
const SPLIT = 2048 * 65536; // what is placed lies below, what the team allocates above

/** @param callers - Kernels of the calling thread, in place of the real ones. */
export async function teamBench(callers: Partial<Kernels> = {}): Promise<TeamBench> {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  const module = await compileKernels({ shared: true });
  let [low, high] = [16, SPLIT];
  const on: TeamMemory = {
    module,
    memory,
    kernels: { ...bindKernels(module, memory), ...callers },
    allocate(bytes) {
      const address = high;
      high += 16 * Math.ceil(bytes / 16);
      return high > PAGES * 65536 ? 0 : address;
    },
    free: () => undefined,
  };
  const team = new Team(on);
  return {
    alone: inUnits(on, new Team(on)),
    shared: inUnits(on, team, { work: 0, numbers: 0 }), // even tiny calls are cut
    team,
    memory,
    place(values) {
      const length = typeof values === 'number' ? values : values.length;
      const address = low;
      low += 16 * Math.ceil(length / 4) + 64;
      if (low > SPLIT) throw new Error('the test places too much');
      const target = new Float32Array(memory.buffer, address, length);
      if (typeof values === 'number') target.fill(NaN);
      else target.set(values);
      return address;
    },
    read: (address, length) => new Uint8Array(memory.buffer, address, 4 * length).slice(),
    reset: () => void (low = 16),
  };
}

/** Numbers whose sums round, so that another order shows. */
export function uneven(length: number, seed: number): Float32Array {
  let state = seed | 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state / 0x40000000 - 1) * 2 ** (state % 7);
  });
}
