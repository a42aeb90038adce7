/**
 * The transforms of Winograd's minimal filtering F(2 × 2, 3 × 3), four channels at a time. In one dimension, of a patch of
 * four pixels d, a filter g and two outputs y,
 *
 *     V = (d0 − d2, d1 + d2, d2 − d1, d3 − d1),  U = (g0, (g0 + g1 + g2)/2, (g0 − g1 + g2)/2, g2),
 *     y0 = M0 + M1 + M2,  y1 = M1 − M2 + M3  where M = U·V;
 *
 * in two, that of the rows and then that of the columns, which gives sixteen numbers. The gradients take the transposes.
 * A matrix of each of the sixteen lies `apart` bytes behind the one before.
 */

// @ts-ignore: decorator
@inline
function patchRow(t0: v128, t1: v128, t2: v128, t3: v128, to: usize, apart: usize): void {
  v128.store(to, f32x4.sub(t0, t2));
  v128.store(to + apart, f32x4.add(t1, t2));
  v128.store(to + 2 * apart, f32x4.sub(t2, t1));
  v128.store(to + 3 * apart, f32x4.sub(t3, t1));
}

/** V of a patch of 4 × 4 pixels, whose rows are `row` bytes apart. */
export function transformPatch(at: usize, row: usize, channels: i32, to: usize, apart: usize): void {
  const pixel = (channels as usize) << 2;
  for (let c = 0; c < channels; c += 4) {
    let p = at + row;
    const b0 = v128.load(p), b1 = v128.load(p + pixel), b2 = v128.load(p + 2 * pixel), b3 = v128.load(p + 3 * pixel);
    p += row;
    const c0 = v128.load(p), c1 = v128.load(p + pixel), c2 = v128.load(p + 2 * pixel), c3 = v128.load(p + 3 * pixel);
    patchRow(f32x4.add(b0, c0), f32x4.add(b1, c1), f32x4.add(b2, c2), f32x4.add(b3, c3), to + 4 * apart, apart);
    patchRow(f32x4.sub(c0, b0), f32x4.sub(c1, b1), f32x4.sub(c2, b2), f32x4.sub(c3, b3), to + 8 * apart, apart);
    patchRow(
      f32x4.sub(v128.load(at), c0), f32x4.sub(v128.load(at + pixel), c1),
      f32x4.sub(v128.load(at + 2 * pixel), c2), f32x4.sub(v128.load(at + 3 * pixel), c3), to, apart,
    );
    p += row;
    patchRow(
      f32x4.sub(v128.load(p), b0), f32x4.sub(v128.load(p + pixel), b1),
      f32x4.sub(v128.load(p + 2 * pixel), b2), f32x4.sub(v128.load(p + 3 * pixel), b3), to + 12 * apart, apart,
    );
    at += 16;
    to += 16;
  }
}

// @ts-ignore: decorator
@inline
function outputRow(a: v128, b: v128, to: usize, apart: usize): void {
  v128.store(to, a);
  v128.store(to + apart, f32x4.add(a, b));
  v128.store(to + 2 * apart, f32x4.sub(a, b));
  v128.store(to + 3 * apart, b);
}

/**
 * The transpose of y's transform: of `channels` of 2 × 2 outputs. Bit 1 of `lacking` says that their second row, bit 0 that
 * their second column is not there.
 */
export function transformOutputs(
  at: usize, row: usize, pixel: usize, channels: i32, lacking: i32, to: usize, apart: usize,
): void {
  const zero = f32x4.splat(0);
  for (let c = 0; c < channels; c += 4) {
    const a0 = v128.load(at);
    const a1 = !(lacking & 1) ? v128.load(at + pixel) : zero;
    const b0 = !(lacking & 2) ? v128.load(at + row) : zero;
    const b1 = lacking == 0 ? v128.load(at + row + pixel) : zero;
    outputRow(a0, a1, to, apart);
    outputRow(f32x4.add(a0, b0), f32x4.add(a1, b1), to + 4 * apart, apart);
    outputRow(f32x4.sub(a0, b0), f32x4.sub(a1, b1), to + 8 * apart, apart);
    outputRow(b0, b1, to + 12 * apart, apart);
    at += 16;
    to += 16;
  }
}

/** y of M, four channels at a time, as many outputs as are there. */
export function restoreOutputs(
  m: usize, apart: usize, channels: i32, to: usize, row: usize, pixel: usize, lacking: i32,
): void {
  for (let c = 0; c < channels; c += 4) {
    const m1 = m + 4 * apart;
    const m2 = m + 8 * apart;
    const m3 = m + 12 * apart;
    let a = v128.load(m1), b = v128.load(m2);
    const s0 = f32x4.add(v128.load(m), f32x4.add(a, b));
    const d0 = f32x4.add(f32x4.sub(a, b), v128.load(m3));
    a = v128.load(m1 + apart);
    b = v128.load(m2 + apart);
    const s1 = f32x4.add(v128.load(m + apart), f32x4.add(a, b));
    const d1 = f32x4.add(f32x4.sub(a, b), v128.load(m3 + apart));
    a = v128.load(m1 + 2 * apart);
    b = v128.load(m2 + 2 * apart);
    const s2 = f32x4.add(v128.load(m + 2 * apart), f32x4.add(a, b));
    const d2 = f32x4.add(f32x4.sub(a, b), v128.load(m3 + 2 * apart));
    v128.store(to, f32x4.add(s0, f32x4.add(s1, s2)));
    if (!(lacking & 2)) v128.store(to + row, f32x4.add(d0, f32x4.add(d1, d2)));
    if (!(lacking & 1)) {
      a = v128.load(m1 + 3 * apart);
      b = v128.load(m2 + 3 * apart);
      const s3 = f32x4.add(v128.load(m + 3 * apart), f32x4.add(a, b));
      v128.store(to + pixel, f32x4.add(f32x4.sub(s1, s2), s3));
      if (!(lacking & 2)) {
        const d3 = f32x4.add(f32x4.sub(a, b), v128.load(m3 + 3 * apart));
        v128.store(to + row + pixel, f32x4.add(f32x4.sub(d1, d2), d3));
      }
    }
    m += 16;
    to += 16;
  }
}

// @ts-ignore: decorator
@inline
function addRow(t0: v128, t1: v128, t2: v128, t3: v128, to: usize, pixel: usize): void {
  v128.store(to, f32x4.add(v128.load(to), t0));
  to += pixel;
  v128.store(to, f32x4.add(v128.load(to), f32x4.sub(f32x4.sub(t1, t2), t3)));
  to += pixel;
  v128.store(to, f32x4.add(v128.load(to), f32x4.sub(f32x4.add(t1, t2), t0)));
  to += pixel;
  v128.store(to, f32x4.add(v128.load(to), t3));
}

/** Adds the transpose of V's transform of M to a patch. */
export function addPatch(m: usize, apart: usize, channels: i32, to: usize, row: usize, pixel: usize): void {
  for (let c = 0; c < channels; c += 4) {
    const m1 = m + 4 * apart;
    const m2 = m + 8 * apart;
    const m3 = m + 12 * apart;
    const z0 = v128.load(m), z1 = v128.load(m + apart), z2 = v128.load(m + 2 * apart), z3 = v128.load(m + 3 * apart);
    addRow(z0, z1, z2, z3, to, pixel);
    const a0 = v128.load(m1), a1 = v128.load(m1 + apart), a2 = v128.load(m1 + 2 * apart), a3 = v128.load(m1 + 3 * apart);
    const b0 = v128.load(m2), b1 = v128.load(m2 + apart), b2 = v128.load(m2 + 2 * apart), b3 = v128.load(m2 + 3 * apart);
    addRow(
      f32x4.sub(f32x4.add(a0, b0), z0), f32x4.sub(f32x4.add(a1, b1), z1),
      f32x4.sub(f32x4.add(a2, b2), z2), f32x4.sub(f32x4.add(a3, b3), z3), to + 2 * row, pixel,
    );
    const c0 = v128.load(m3), c1 = v128.load(m3 + apart), c2 = v128.load(m3 + 2 * apart), c3 = v128.load(m3 + 3 * apart);
    addRow(
      f32x4.sub(f32x4.sub(a0, b0), c0), f32x4.sub(f32x4.sub(a1, b1), c1),
      f32x4.sub(f32x4.sub(a2, b2), c2), f32x4.sub(f32x4.sub(a3, b3), c3), to + row, pixel,
    );
    addRow(c0, c1, c2, c3, to + 3 * row, pixel);
    m += 16;
    to += 16;
  }
}

// @ts-ignore: decorator
@inline
function filterRow(from: usize, tap: usize, to: usize, apart: usize): void {
  const half = f32x4.splat(0.5);
  const g0 = v128.load(from);
  const g2 = v128.load(from + 2 * tap);
  const ends = f32x4.mul(f32x4.add(g0, g2), half);
  const middle = f32x4.mul(v128.load(from + tap), half);
  v128.store(to, g0);
  v128.store(to + apart, f32x4.add(ends, middle));
  v128.store(to + 2 * apart, f32x4.sub(ends, middle));
  v128.store(to + 3 * apart, g2);
}

/** U of four filters, whose taps are `tap` bytes apart, by way of `spare` (192 bytes). */
export function transformTaps(from: usize, tap: usize, to: usize, apart: usize, spare: usize): void {
  for (let k: usize = 0; k < 3; k++) filterRow(from + k * tap, 3 * tap, spare + 16 * k, 48);
  for (let i: usize = 0; i < 4; i++) filterRow(spare + 48 * i, 16, to + 4 * i * apart, apart);
}

// @ts-ignore: decorator
@inline
function tapRow(from: usize, apart: usize, to: usize, tap: usize): void {
  const half = f32x4.splat(0.5);
  const a = v128.load(from + apart);
  const b = v128.load(from + 2 * apart);
  const even = f32x4.mul(f32x4.add(a, b), half);
  v128.store(to, f32x4.add(v128.load(from), even));
  v128.store(to + tap, f32x4.mul(f32x4.sub(a, b), half));
  v128.store(to + 2 * tap, f32x4.add(even, v128.load(from + 3 * apart)));
}

/** The transpose of U's transform. */
export function restoreTaps(from: usize, apart: usize, to: usize, tap: usize, spare: usize): void {
  for (let j: usize = 0; j < 4; j++) tapRow(from + j * apart, 4 * apart, spare + 16 * j, 64);
  for (let k: usize = 0; k < 3; k++) tapRow(spare + 64 * k, 16, to + 3 * k * tap, tap);
}
