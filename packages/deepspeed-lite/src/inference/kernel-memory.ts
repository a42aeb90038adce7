/** The one memory of a fused program: packed weights, caches and activations, which our kernels read and write where they are. */
import { OckhamError } from '@ockham/core';
import { bindKernels, compileKernels, type Kernels } from '@ockham/core/kernels';

const PAGE = 65_536;
/** Of 64 KB, all that WebAssembly can address. */
const PAGES = 65_536;
/** A cache line; the rest keeps what a kernel reads past an end inside. */
const ALIGNMENT = 64;

/** Kernels on a memory that grows with what is allocated. */
export class KernelMemory {
  readonly kernels: Kernels;
  readonly #memory: WebAssembly.Memory;
  /** Free runs in order, none beside another. Address 0 means none, and is never given. */
  #free: { begin: number; end: number }[] = [];
  readonly #taken = new Map<number, number>();
  #end = ALIGNMENT;
  /** Of one product at a time. */
  readonly workspace: number;

  private constructor(kernels: Kernels, memory: WebAssembly.Memory) {
    this.kernels = kernels;
    this.#memory = memory;
    this.workspace = this.allocate(Math.max(kernels.workspaceBytes(), kernels.fusedDenseBytes()) / 4);
  }

  /** Compiles the kernels, once in a process. @throws OckhamError where the host has no SIMD. */
  static async make(): Promise<KernelMemory> {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: PAGES });
    try {
      return new KernelMemory(bindKernels(await compileKernels(), memory), memory);
    } catch (cause) {
      throw new OckhamError(
        'engine-unavailable',
        'accelerate: the fused kernels need WebAssembly with SIMD, which this host has not. Use the model as it is.',
        { cause },
      );
    }
  }

  /** Bytes in use. */
  get bytes(): number {
    return [...this.#taken.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** All of it, in numbers of 4 bytes. */
  get numbers(): number {
    return this.#memory.buffer.byteLength / 4;
  }

  /** Room for so many numbers of 4 bytes, until {@link KernelMemory.free}. Views made before may be detached. */
  allocate(numbers: number): number {
    const bytes = ALIGNMENT * (Math.ceil((4 * numbers) / ALIGNMENT) + 1);
    const run = this.#free.find(({ begin, end }) => end - begin >= bytes);
    let at: number;
    if (run) {
      at = run.begin;
      run.begin += bytes;
      if (run.begin === run.end) this.#free = this.#free.filter((each) => each !== run);
    } else {
      at = this.#end;
      this.#grow(at + bytes);
      this.#end += bytes;
    }
    this.#taken.set(at, bytes);
    return at;
  }

  /** Gives room back; 0 is ignored. */
  free(address: number): void {
    const bytes = this.#taken.get(address);
    if (bytes === undefined) return;
    this.#taken.delete(address);
    const runs = [...this.#free, { begin: address, end: address + bytes }].sort((a, b) => a.begin - b.begin);
    this.#free = [];
    for (const run of runs) {
      const last = this.#free.at(-1);
      if (last?.end === run.begin) last.end = run.end;
      else this.#free.push(run);
    }
  }

  floats(address: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#memory.buffer, address, length);
  }

  ints(address: number, length: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.#memory.buffer, address, length);
  }

  /** Copies numbers in; 0 where there are none. */
  place(values: Float32Array | undefined): number {
    if (!values) return 0;
    const at = this.allocate(values.length);
    this.floats(at, values.length).set(values);
    return at;
  }

  #grow(bytes: number): void {
    const missing = Math.ceil(bytes / PAGE) - this.#memory.buffer.byteLength / PAGE;
    if (missing <= 0) return;
    try {
      this.#memory.grow(missing);
    } catch (cause) {
      throw new OckhamError(
        'out-of-memory',
        `accelerate: the fused program needs ${bytes} bytes, more than WebAssembly can address or get. Predict fewer texts at a time, or use more ranks.`,
        { cause },
      );
    }
  }
}
