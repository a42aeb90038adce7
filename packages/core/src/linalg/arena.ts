/**
 * The memory of the room's WebAssembly kernels. While a factorisation runs, its matrices lie there, as ordinary
 * `Float64Array`s, and the hot loops take them by address; what is returned to the caller is copied out. Where the kernels do
 * not compile, or a matrix does not fit, arrays are ordinary ones and the loops plain TypeScript, which add in the same
 * order: results do not depend on which it is.
 */
import { linalg } from '../kernels/generated/linalg.ts';

/** The kernels; matrices and vectors are byte offsets into their memory, strides are in bytes. Nothing is checked. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  /** Bytes at the start of the memory that {@link Kernels.addProduct} works in. */
  workspaceBytes(): number;
  /** `c(i, j) += alpha * Σ_p a(i, p) b(p, j)` for i < m, j < n; columns of C are next to each other. */
  addProduct(
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: number,
    aRow: number,
    aColumn: number,
    b: number,
    bRow: number,
    bColumn: number,
    c: number,
    cRow: number,
  ): void;
  /** `out_r = Σ_j rows(r, j) x_j` for r < count, j < length. */
  rowsTimesVector(rows: number, stride: number, count: number, x: number, length: number, out: number): void;
  /** `y_j += alpha * Σ_r w_r rows(r, j)` for r < count, j < length. */
  addRows(
    rows: number,
    stride: number,
    count: number,
    alpha: number,
    w: number,
    wStride: number,
    y: number,
    length: number,
  ): void;
  /** `rows(r, j) += alpha * w_r x_j` for r < count, j < length. */
  addOuter(
    rows: number,
    stride: number,
    count: number,
    alpha: number,
    w: number,
    x: number,
    length: number,
  ): void;
  /** `(x, y) ← (c x + s y, c y − s x)` */
  rotateRows(x: number, y: number, length: number, c: number, s: number): void;
}

interface Arena {
  readonly kernels: Kernels;
  buffer: ArrayBufferLike;
  /** Where the next array goes, in bytes. */
  next: number;
}

/** What may stay allocated between calls: the working set of `svd` of about 800 × 800. */
const keptBytes = 64 * 2 ** 20;
const pageBytes = 2 ** 16;
// a cache line
const alignment = 64;

let compiled: WebAssembly.Module | 'no SIMD' | undefined;
let arena: Arena | undefined;
let scopes = 0;

/**
 * Runs `work` with room for arrays from {@link reserve}, which are gone when it ends, also where it throws.
 *
 * @param numbers How many 64-bit numbers the arrays hold together, at most. Only the outermost call makes room: memory that
 *   grows would leave the arrays before it detached.
 */
export function withArena<T>(numbers: number, work: () => T): T {
  if (scopes === 0) open(numbers);
  const mark = arena?.next;
  scopes++;
  try {
    return work();
  } finally {
    scopes--;
    if (arena) arena.next = mark!;
    if (scopes === 0 && arena && arena.buffer.byteLength > keptBytes) arena = undefined;
  }
}

/** Room for numbers, which may hold anything, in the memory of the kernels where {@link withArena} made it. */
export function reserve(length: number): Float64Array {
  if (!arena || scopes === 0) return new Float64Array(length);
  const { buffer, next } = arena;
  const end = next + Math.ceil((8 * length) / alignment) * alignment;
  if (end > buffer.byteLength) return new Float64Array(length);
  arena.next = end;
  return new Float64Array(buffer, next, length);
}

/** Zeros, where {@link reserve} puts them. */
export function allocate(length: number): Float64Array {
  return reserve(length).fill(0);
}

/** A copy of `values`, where {@link reserve} puts it. */
export function copyIn(values: Float64Array): Float64Array {
  const copy = reserve(values.length);
  copy.set(values);
  return copy;
}

/** The kernels, if all three arrays lie in their memory. */
export function kernelsOf(a: Float64Array, b: Float64Array, c: Float64Array): Kernels | undefined {
  if (!arena) return undefined;
  const { buffer } = arena;
  return a.buffer === buffer && b.buffer === buffer && c.buffer === buffer ? arena.kernels : undefined;
}

function open(numbers: number): void {
  arena ??= instantiate();
  if (!arena) return;
  const { memory } = arena.kernels;
  // each array may lose most of a cache line to alignment
  const missing = arena.next + 8 * numbers + 64 * alignment - memory.buffer.byteLength;
  if (missing <= 0) return;
  try {
    memory.grow(Math.ceil(missing / pageBytes));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // more than the engine gives
  }
  arena.buffer = memory.buffer;
}

function instantiate(): Arena | undefined {
  if (compiled === 'no SIMD') return undefined;
  try {
    compiled ??= new WebAssembly.Module(Uint8Array.from(atob(linalg), (letter) => letter.charCodeAt(0)));
    const kernels = new WebAssembly.Instance(compiled).exports as unknown as Kernels;
    return {
      kernels,
      buffer: kernels.memory.buffer,
      next: Math.ceil(kernels.workspaceBytes() / alignment) * alignment,
    };
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    compiled = 'no SIMD';
    return undefined;
  }
}
