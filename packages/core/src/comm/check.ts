/** The rules of the arguments, the same on every transport: refused before anything is sent. */
import { ArgumentError } from '../errors.ts';
import type { CommArray, CommArrays, CommType, ReduceOp } from './communicator.ts';

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint8: Uint8Array,
} as const;

/** The element types, by the number that stands for them between ranks. */
export const TYPES: readonly CommType[] = ['float32', 'float64', 'int32', 'uint8'];
/** The reductions, by the number that stands for them between ranks. */
export const OPS: readonly ReduceOp[] = ['sum', 'mean', 'max', 'min'];

/** The type of an array, undefined if it is none that can be sent. */
export function typeOf(x: unknown): CommType | undefined {
  if (x instanceof Float32Array) return 'float32';
  if (x instanceof Float64Array) return 'float64';
  if (x instanceof Int32Array) return 'int32';
  return x instanceof Uint8Array ? 'uint8' : undefined;
}

export function checkArray(who: string, name: string, x: unknown): CommType {
  const type = typeOf(x);
  if (type) return type;
  const got = x === null || typeof x !== 'object' ? String(x) : x.constructor.name;
  throw new ArgumentError(
    `${who}: ${name} must be a Float32Array, Float64Array, Int32Array or Uint8Array, got ${got}. Copy it into one.`,
  );
}

export function checkOp(who: string, op: unknown, order: unknown): void {
  if (!(OPS as readonly unknown[]).includes(op))
    throw new ArgumentError(`${who}: op must be one of ${OPS.join(', ')}, got ${String(op)}.`);
  if (order !== 'rank' && order !== 'any')
    throw new ArgumentError(`${who}: order must be 'rank' or 'any', got ${String(order)}.`);
}

export function checkRank(who: string, name: string, rank: number, size: number): void {
  if (Number.isInteger(rank) && rank >= 0 && rank < size) return;
  throw new ArgumentError(`${who}: ${name} must be a rank in [0, ${size - 1}], got ${rank}.`);
}

export function checkTag(who: string, tag: number): void {
  if (Number.isInteger(tag) && tag >= 0 && tag <= 32_767) return;
  throw new ArgumentError(`${who}: tag must be an integer in [0, 32767], got ${tag}.`);
}

export function checkColor(color: number | undefined, key: number): void {
  if (color !== undefined && !(Number.isInteger(color) && color >= 0 && color < 2 ** 31))
    throw new ArgumentError(`split: color must be an integer in [0, 2³¹) or undefined, got ${color}.`);
  if (!(Number.isInteger(key) && Math.abs(key) < 2 ** 31))
    throw new ArgumentError(`split: key must be an integer in (−2³¹, 2³¹), got ${key}.`);
}

/** What a rank sends itself fits where it goes. */
export function checkPair(who: string, from: CommArray | undefined, to: CommArray | undefined): void {
  const types = [checkArray(who, 'what is sent', from), checkArray(who, 'what is received', to)];
  if (types[0] === types[1] && from!.length === to!.length) return;
  throw new ArgumentError(
    `${who}: what a rank sends itself must fit where it goes, got ${types[0]} × ${from!.length} for ${types[1]} × ${to!.length}.`,
  );
}

/** A zeroed array of its own. */
export function allocate<K extends CommType>(who: string, type: K, length: number): CommArrays[K] {
  checkAllocation(who, type, length);
  return new ARRAYS[type](length) as unknown as CommArrays[K];
}

/** A view of memory that is there. */
export function viewOf<K extends CommType>(
  type: K,
  buffer: ArrayBufferLike,
  at: number,
  length: number,
): CommArrays[K] {
  return new ARRAYS[type](buffer as ArrayBuffer, at, length) as unknown as CommArrays[K];
}

export function checkAllocation(who: string, type: CommType, length: number): void {
  if (!TYPES.includes(type))
    throw new ArgumentError(`${who}: type must be one of ${TYPES.join(', ')}, got ${type as string}.`);
  if (!(Number.isSafeInteger(length) && length >= 0))
    throw new ArgumentError(`${who}: length must be an integer ≥ 0, got ${length}.`);
}
