import { bindKernels, compileKernels, hasRelaxedSimd, type Kernels } from '../../src/kernels/index.ts';

/** Every build that this engine can run. */
export const builds = [
  { relaxed: false, shared: false },
  { relaxed: false, shared: true },
  ...(hasRelaxedSimd()
    ? [
        { relaxed: true, shared: false },
        { relaxed: true, shared: true },
      ]
    : []),
];

/** Kernels on a memory of their own, with a bump allocator that starts anew for each `run`. */
export interface Bench {
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
  /** Copies numbers in; `size` reserves without. Returns the byte offset. */
  place(values: ArrayLike<number> | number): number;
  read(address: number, length: number): Float32Array;
  reset(): void;
}

export async function bench(options: { relaxed?: boolean; shared?: boolean } = {}): Promise<Bench> {
  const pages = { initial: 256, maximum: 65536, ...(options.shared && { shared: true }) };
  const memory = new WebAssembly.Memory(pages);
  const kernels = bindKernels(await compileKernels(options), memory);
  let next = 16;
  return {
    kernels,
    memory,
    place(values) {
      const length = typeof values === 'number' ? values : values.length;
      const address = next;
      next += 16 * Math.ceil((4 * length) / 16) + 64;
      if (next > memory.buffer.byteLength) memory.grow(Math.ceil((next - memory.buffer.byteLength) / 65536));
      const target = new Float32Array(memory.buffer, address, length);
      if (typeof values === 'number')
        target.fill(NaN); // what is not written shows
      else target.set(values);
      return address;
    },
    read: (address, length) => new Float32Array(memory.buffer, address, length).slice(),
    reset: () => void (next = 16),
  };
}

/** Numbers with few bits, whose products and sums are exact in float32. */
export function wholes(length: number, seed: number): Float32Array {
  let state = seed | 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return ((state >> 16) % 9) - 4;
  });
}

/** Numbers, now and then with one that is NaN or infinite among them. */
export function broken(length: number, seed: number): Float32Array {
  const values = wholes(length, seed);
  if (length > 0) values[seed % length] = [NaN, Infinity, -Infinity][seed % 3]!;
  return values;
}
