/** The one memory of a fused program: weights, caches and activations, which our kernels read and write where they are. */
import { OckhamError } from '@ockham/core';
import { bindKernels, compileKernels, ownMemory, type Kernels, type KernelSpace, type Space } from '@ockham/core/kernels'; // prettier-ignore

/** Kernels on a memory that grows with what is allocated. Address 0 is none. */
export class KernelMemory implements KernelSpace {
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
  readonly #space: Space;
  readonly #taken = new Map<number, number>();
  #workspace = { address: 0, bytes: 0 };

  private constructor(kernels: Kernels, space: Space) {
    [this.kernels, this.memory, this.#space] = [kernels, space.memory, space];
  }

  /** Compiles the kernels, once in a process. @throws OckhamError where the host has no SIMD. */
  static async make(): Promise<KernelMemory> {
    const space = ownMemory('accelerate');
    try {
      return new KernelMemory(bindKernels(await compileKernels(), space.memory), space);
    } catch (cause) {
      throw new OckhamError(
        'engine-unavailable',
        'accelerate: the fused kernels need WebAssembly with SIMD, which this host has not. Use the model as it is.',
        { cause },
      );
    }
  }

  /** Bytes in use, but for the workspace. */
  get bytes(): number {
    const all = [...this.#taken.values()].reduce((sum, bytes) => sum + bytes, 0);
    return all - this.#workspace.bytes;
  }

  /** Room for so many bytes, until {@link KernelMemory.free}. Views made before may be detached. */
  allocate(bytes: number): number {
    const at = this.#space.allocate(bytes);
    this.#taken.set(at, bytes);
    return at;
  }

  /** Gives room back; 0 is ignored. */
  free(address: number): void {
    this.#taken.delete(address);
    this.#space.free(address);
  }

  /** Of one product at a time. */
  workspace(bytes: number): number {
    if (bytes > this.#workspace.bytes) {
      this.free(this.#workspace.address);
      this.#workspace = { address: 0, bytes: 0 }; // also where the next line throws
      this.#workspace = { address: this.allocate(bytes), bytes };
    }
    return this.#workspace.address;
  }

  floats(address: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.memory.buffer, address, length);
  }

  ints(address: number, length: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.memory.buffer, address, length);
  }

  /** Copies numbers in; 0 where there are none. */
  place(values: Float32Array | undefined): number {
    if (!values) return 0;
    const at = this.allocate(values.byteLength);
    this.floats(at, values.length).set(values);
    return at;
  }

  /** Copies rows of `n` numbers, which begin `ld` numbers apart, next to one another: the first so many, or those of a list. */
  copyRows(
    rows: number | Int32Array,
    n: number,
    [from, ld]: readonly [address: number, ld: number],
    to: number,
  ): void {
    const all = new Float32Array(this.memory.buffer);
    const count = typeof rows === 'number' ? rows : rows.length;
    for (let r = 0; r < count; r++) {
      const at = from / 4 + (typeof rows === 'number' ? r : rows[r]!) * ld;
      all.copyWithin(to / 4 + r * n, at, at + n);
    }
  }

  /** Copies rows of `n` numbers, which lie next to one another, to places `ld` numbers apart. */
  spreadRows(rows: number, n: number, from: number, [to, ld]: readonly [address: number, ld: number]): void {
    const all = new Float32Array(this.memory.buffer);
    for (let r = 0; r < rows; r++) {
      const at = from / 4 + r * n;
      all.copyWithin(to / 4 + r * ld, at, at + n);
    }
  }
}
