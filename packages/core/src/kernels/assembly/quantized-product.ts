/**
 * Products of rows with a packed matrix, in blocks of eight outputs: their codes come as bytes, pairs of inputs side by side, of the matrix
 * itself or unpacked into the first-level cache.
 *
 * Over the inputs that share a scale, int8 rows are summed as integers, exactly, float32 rows in float32; the sum of such sums, each times its
 * scale, is taken in float32, without fused rounding. So products with int8 rows are the same bits in every build.
 *
 * With relaxed SIMD, codes of few bits are made unsigned, and what the offset added is subtracted with the zeros.
 */
import { fma } from './fma';
import { erf4, exp4 } from './functions';
import { evens, float1, integer1, integer4, MR, nibbles1, odds, runOf, small1, small4 } from './quantized-tiles';
import { CHUNK, codeBytes, FP4, FP8_E4M3, FP8_E5M2, INT4, INT8, offsetOf, PANEL_BYTES, unpack } from './quantized-unpack';

/** Rows whose sums are held at a time. */
const ROWS: i32 = 64;

/** What is multiplied, in memory: 32-bit numbers. */
@unmanaged
class Job {
  coding: i32;
  rows: i32;
  outputs: i32;
  /** Length of a row of x, and of inputs in the codes. */
  depth: i32;
  /** Of them, those that share a scale. */
  groupDepth: i32;
  groups: i32;
  codes: u32;
  /** Of eight outputs. */
  blockBytes: u32;
  /** Half precision, [blocks][groups][8]. */
  scales: u32;
  /** Zero + 128, [blocks][groups][8]; 0 is none. */
  zeros: u32;
  /** Rows of `quantizedRowBytes` a number, or of float32 if there are no `rowScales`. */
  x: u32;
  rowScales: u32;
  /** Σ x of each group, [rows][groups]; of float32 only where there are zeros. */
  sums: u32;
  bias: u32;
  /** 0 none, 1 relu, 2 gelu, 3 gelu by tanh. */
  activation: i32;
  y: u32;
}

/** Bytes of the workspace of `quantizedProduct` and `quantizedFloats`. */
export function quantizedBytes(): i32 {
  return PANEL_BYTES + ROWS * 32 + MR * 32;
}

/** Bytes of a number of an int8 row that a product with such codes takes. */
export function quantizedRowBytes(coding: i32): i32 {
  return ASC_FEATURE_RELAXED_SIMD && coding != INT8 && coding < FP8_E4M3 ? 1 : 2;
}

/** y of the blocks `first` ≤ b < `end`. */
export function quantizedProduct(at: usize, first: i32, end: i32, workspace: usize): void {
  const job = changetype<Job>(at);
  const acc = workspace + (PANEL_BYTES as usize);
  const raw = acc + ((ROWS * 32) as usize);
  const narrow = job.rowScales != 0 && quantizedRowBytes(job.coding) == 1;
  const offset = narrow ? offsetOf(job.coding) : 0;
  const packed = narrow && job.coding == INT4 && job.rows < MR && (job.groupDepth & 3) == 0;
  for (let row = 0; row < job.rows; row += ROWS) {
    const rows = min(ROWS, job.rows - row);
    for (let b = first; b < end; b++) {
      memory.fill(acc, 0, (rows as usize) << 5);
      let g = 0;
      for (let k = 0; k < job.depth; k += CHUNK) {
        const last = min(k + CHUNK, job.depth);
        const codes = packed ? codesOf(job, b, k) : panelOf(job, b, k, offset, workspace);
        for (let i = k; i < last;) {
          const start = g * job.groupDepth;
          const stop = min(start + job.groupDepth, last);
          const from = codes + (((i - k) as usize) << (packed ? 2 : 3));
          segment(job, row, rows, b, g, i, stop, i == start, offset, packed, from, acc, raw);
          i = stop;
          if (stop == start + job.groupDepth) g += 1;
        }
      }
      const columns = min(8, job.outputs - 8 * b);
      const bias = job.bias == 0 ? 0 : (job.bias as usize) + ((b as usize) << 5);
      let y = (job.y as usize) + (((row as usize) * (job.outputs as usize) + ((8 * b) as usize)) << 2);
      for (let r = 0; r < rows; r++) {
        const scale: f32 = job.rowScales == 0 ? 1 : load<f32>((job.rowScales as usize) + (((row + r) as usize) << 2));
        ending(columns, acc + ((r as usize) << 5), scale, bias, job.activation, y);
        y += (job.outputs as usize) << 2;
      }
    }
  }
}

/** Codes from input `k` on, where a register starts. */
// @ts-ignore: decorator
@inline
function codesOf(job: Job, b: i32, k: i32): usize {
  return (job.codes as usize) + (b as usize) * (job.blockBytes as usize) + codeBytes(job.coding, k);
}

/** The bytes of a chunk. */
// @ts-ignore: decorator
@inline
function panelOf(job: Job, b: i32, k: i32, offset: i32, workspace: usize): usize {
  const from = codesOf(job, b, k);
  if (job.coding == INT8 || job.coding >= FP8_E4M3) return from;
  unpack(job.coding, from, min(CHUNK, job.depth - k), offset, workspace);
  return workspace;
}

/** Adds the inputs from `i` up to `end` of group `g`; with its zeros if they are the first of it. */
function segment(
  job: Job, row: i32, rows: i32, b: i32, g: i32, i: i32, end: i32, starts: bool, offset: i32, packed: bool,
  from: usize, acc: usize, raw: usize,
): void {
  const place = ((b * job.groups + g) as usize) << 3;
  const s0 = scale4(job, place), s1 = scale4(job, place + 4);
  const whole = job.rowScales != 0;
  const withZeros = starts && (job.zeros != 0 || offset != 0);
  let z0 = i32x4.splat(offset), z1 = z0;
  if (withZeros && job.zeros != 0) {
    z0 = i32x4.add(z0, zero4(job, place));
    z1 = i32x4.add(z1, zero4(job, place + 4));
    if (!whole) {
      z0 = f32x4.convert_i32x4_s(z0);
      z1 = f32x4.convert_i32x4_s(z1);
    }
  }
  const pairs = (end - i) >> 1;
  const size: usize = whole ? (offset != 0 ? 0 : 1) : 2;
  const ldx = (job.depth as usize) << size;
  let x = (job.x as usize) + (row as usize) * ldx + ((i as usize) << size);
  let sums = (job.sums as usize) + (((row * job.groups + g) as usize) << 2);
  for (let r = 0; r < rows;) {
    const count = whole && r + MR <= rows ? MR : 1;
    if (!whole) float1(from, pairs, x, raw);
    else if (ASC_FEATURE_RELAXED_SIMD && offset != 0) {
      if (count == MR) small4(from, pairs, runOf(job.coding), x, ldx, raw);
      else if (packed) nibbles1(from, pairs, x, raw);
      else small1(from, pairs, runOf(job.coding), x, raw);
    } else if (count == MR) integer4(from, pairs, x, ldx, raw);
    else integer1(from, pairs, x, raw);
    let part = raw;
    for (let last = r + count; r < last; r++) {
      let c0 = v128.load(part), c1 = v128.load(part, 16);
      if (withZeros) {
        const sum = v128.load32_splat(sums);
        if (whole) {
          c0 = i32x4.sub(c0, i32x4.mul(z0, sum));
          c1 = i32x4.sub(c1, i32x4.mul(z1, sum));
        } else {
          c0 = f32x4.sub(c0, f32x4.mul(z0, sum));
          c1 = f32x4.sub(c1, f32x4.mul(z1, sum));
        }
      }
      if (whole) {
        c0 = f32x4.convert_i32x4_s(c0);
        c1 = f32x4.convert_i32x4_s(c1);
      }
      const to = acc + ((r as usize) << 5);
      v128.store(to, f32x4.add(v128.load(to), f32x4.mul(c0, s0)));
      v128.store(to, f32x4.add(v128.load(to, 16), f32x4.mul(c1, s1)), 16);
      part += 32;
      x += ldx;
      sums += (job.groups as usize) << 2;
    }
  }
}

/** Four scales, of half precision: shifted into place they are float32 but for 2¹¹² and the sign. */
function scale4(job: Job, place: usize): v128 {
  const h = v128.load_ext<u16>((job.scales as usize) + (place << 1));
  const magnitude = i32x4.shl(v128.and(h, i32x4.splat(0x7fff)), 13);
  const sign = i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16);
  const factor: f32 = job.coding == FP4 ? 0.5 : 1; // its codes are doubled
  return v128.or(f32x4.mul(f32x4.mul(magnitude, f32x4.splat(5.192296858534828e33)), f32x4.splat(factor)), sign);
}

function zero4(job: Job, place: usize): v128 {
  const bytes = v128.load32_zero((job.zeros as usize) + place);
  return i32x4.sub(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes)), i32x4.splat(128));
}

/**
 * The numbers of the blocks `first` ≤ b < `end`, [depth, outputs] in rows `ldTo` numbers apart, as the second operand of a float32 product.
 * Whole blocks are written, the last first: what it writes beyond the outputs the next row writes over, but for the last.
 */
export function quantizedFloats(at: usize, first: i32, end: i32, to: usize, ldTo: i32, workspace: usize): void {
  const job = changetype<Job>(at);
  const ld = (ldTo as usize) << 2;
  const small: i32 = job.coding == FP8_E4M3 ? 20 : job.coding == FP8_E5M2 ? 21 : 0;
  for (let b = end - 1; b >= first; b--) {
    let row = to + (((b - first) as usize) << 5);
    for (let k = 0; k < job.depth; k += CHUNK) {
      let panel = panelOf(job, b, k, 0, workspace);
      for (let i = k; i < min(k + CHUNK, job.depth);) {
        const g = i / job.groupDepth;
        const last = min(min((g + 1) * job.groupDepth, k + CHUNK), job.depth);
        const place = ((b * job.groups + g) as usize) << 3;
        const s0 = scale4(job, place), s1 = scale4(job, place + 4);
        let z0 = i32x4.splat(0), z1 = z0;
        if (job.zeros != 0) {
          z0 = zero4(job, place);
          z1 = zero4(job, place + 4);
        }
        for (; i < last; i += 2) {
          const b0 = v128.load_ext<i8>(panel);
          const b1 = v128.load_ext<i8>(panel, 8);
          v128.store(row, f32x4.mul(number(evens(b0), z0, small), s0));
          v128.store(row, f32x4.mul(number(evens(b1), z1, small), s1), 16);
          row += ld;
          v128.store(row, f32x4.mul(number(odds(b0), z0, small), s0));
          v128.store(row, f32x4.mul(number(odds(b1), z1, small), s1), 16);
          row += ld;
          panel += 16;
        }
      }
    }
  }
}

/** What codes stand for; those of 8-bit floats are shifted by `small` to be float32 but for 2¹²⁰ or 2¹¹² and the sign. */
// @ts-ignore: decorator
@inline
function number(codes: v128, zeros: v128, small: i32): v128 {
  if (small == 0) return f32x4.convert_i32x4_s(i32x4.sub(codes, zeros));
  const magnitude = i32x4.shl(v128.and(codes, i32x4.splat(0x7f)), small);
  const scale: f32 = small == 20 ? 1.329227995784916e36 : 5.192296858534828e33;
  return v128.or(f32x4.mul(magnitude, f32x4.splat(scale)), v128.and(codes, i32x4.splat(0x80000000)));
}

/** y = activation(v·scale + bias) of `n` numbers, a bias at 0 is none; y may be v. */
// @ts-ignore: decorator
@inline
function ending(n: i32, v: usize, scale: f32, bias: usize, activation: i32, y: usize): void {
  const scales = f32x4.splat(scale);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = (i as usize) << 2;
    const plus = bias == 0 ? f32x4.splat(0) : v128.load(bias + at);
    v128.store(y + at, activated(f32x4.add(f32x4.mul(v128.load(v + at), scales), plus), activation));
  }
  for (; i < n; i++) {
    const at = (i as usize) << 2;
    const plus = bias == 0 ? f32x4.splat(0) : v128.load32_splat(bias + at);
    const one = f32x4.add(f32x4.mul(v128.load32_splat(v + at), scales), plus);
    v128.store32_lane(y + at, activated(one, activation), 0);
  }
}

/** The same in place for rows of float32 products. */
export function quantizedEnding(rows: i32, n: i32, y: usize, bias: usize, activation: i32): void {
  for (let r = 0; r < rows; r++) {
    ending(n, y, 1, bias, activation, y);
    y += (n as usize) << 2;
  }
}

/** relu, x·Φ(x), or its approximation x/(1 + exp(−2·√(2/π)·(x + 0.044715·x³))). */
function activated(x: v128, activation: i32): v128 {
  if (activation == 0) return x;
  if (activation == 1) return f32x4.max(x, f32x4.splat(0));
  const one = f32x4.splat(1);
  if (activation == 2) {
    const erf = erf4(f32x4.mul(x, f32x4.splat(0.7071067811865476)));
    return f32x4.mul(f32x4.mul(x, f32x4.splat(0.5)), f32x4.add(erf, one));
  }
  const cubic = f32x4.mul(x, fma(f32x4.mul(x, x), f32x4.splat(-0.07135481627), f32x4.splat(-1.59576912161)));
  return f32x4.div(x, f32x4.add(exp4(cubic), one));
}
