/**
 * Attention over the present blocks of a matrix of blocks, forward and backward, for one head of one example. Neither has the whole matrix at
 * any time: a row of blocks is taken in runs of up to {@link SCORES} numbers, whose scores stand transposed (keys down, queries across), so that
 * maxima, sums and exponentials go over four queries at a time and the next product reads them where they are. A row of
 * several runs is put together with running maxima and sums (Milakov and Gimelshein 2018); the backward pass computes the
 * scores again (Dao et al. 2022).
 *
 * A geometry is ten 32-bit words: length, depth, distance of rows, tokens of a block, blocks, whether causal, scale, columns, and of a
 * dropout the least draw that is kept and the factor of what is kept. The lists of present blocks are as of {@link BlockRows}.
 */
import { copyRows, packColumns, packRows, tiles, turn } from './attention-tiles';
import { exp4 } from './functions';

/** Scores that are held at a time: 32 KB. */
const SCORES: i32 = 8192;

// @ts-ignore: decorator
@inline
function up8(n: i32): i32 {
  return (n + 7) & ~7;
}

// @ts-ignore: decorator
@inline
function floats(n: i32): usize {
  return (n as usize) << 2;
}

/** Blocks of a run. */
function runBlocks(side: i32): i32 {
  return max(1, SCORES / (side * side));
}

/** Bytes of workspace of `blockAttention`. */
export function blockAttentionBytes(g: usize): usize {
  const d = load<i32>(g, 4);
  const side = up8(load<i32>(g, 12));
  const all = (load<i32>(g, 16) as usize) * (side as usize);
  return (all * ((d + up8(d)) as usize) + (side as usize) * ((d + up8(d) + runBlocks(side) * side + 3) as usize)) << 2;
}

/**
 * `out` = softmax(q·kᵀ·scale)·v over the present blocks, and of each query the maximum and the inverse of the sum of its
 * exponentials, `[2, length]`, in `stats`. A key whose `visible` is 0 is hidden; all are seen where there is none. A query
 * that sees no key gets 0.
 */
export function blockAttention(
  g: usize, starts: usize, q: usize, k: usize, v: usize, visible: usize, stats: usize, out: usize, stream: i32,
  workspace: usize,
): void {
  const n = load<i32>(g), d = load<i32>(g, 4), ld = load<i32>(g, 8), b = load<i32>(g, 12), blocks = load<i32>(g, 16);
  const scale = load<f32>(g, 24);
  const columns = load<u32>(g, 28) as usize;
  const side = up8(b), wide = up8(d), most = runBlocks(side);
  const all = blocks * side;
  const keys = workspace;
  const values = keys + floats(all) * (d as usize);
  const queries = values + floats(all) * (wide as usize);
  const scores = queries + floats(side * d);
  const sums = scores + floats(most * side * side);
  const top = sums + floats(side * wide);
  const total = top + floats(side);
  const factor = total + floats(side);
  const panel = floats(all) * 8;
  const row = floats(ld * b);
  for (let j = 0; j < blocks; j++) {
    const count = min(b, n - j * b);
    packRows(k + (j as usize) * row, ld, count, side, d, 1, 4, keys + floats(side * d) * (j as usize));
    packColumns(v + (j as usize) * row, ld, count, side, d, 1, values + (((j * side) as usize) << 5), panel);
  }
  for (let i = 0; i < blocks; i++) {
    const count = min(b, n - i * b);
    const end = load<i32>(starts + floats(i + 1));
    packRows(q + (i as usize) * row, ld, count, side, d, scale, 8, queries);
    memory.fill(sums, 0, floats(side * wide));
    memory.fill(total, 0, floats(side));
    for (let r = 0; r < side; r++) store<f32>(top + floats(r), -Infinity);
    const start = load<i32>(starts + floats(i));
    for (let at = start; at < end; at += most) {
      const last = min(end, at + most);
      scoresOf(g, columns, at, last, i, side, keys, queries, visible, scores);
      addExponentials((last - at) * side, side, scores, top, total, factor);
      if (at > start) scaleRows(side, wide, factor, sums);
      if (load<i32>(g, 32) != 0) drop(g, columns, at, last, i, side, stream, scores);
      for (let from = at; from < last; ) {
        const to = runEnd(columns, from, last);
        const first = load<i32>(columns + floats(from)) * side;
        const run = scores + floats((from - at) * side * side);
        tiles(side, wide, (to - from) * side, run, 16, floats(side), values + ((first as usize) << 5), panel, sums, wide, true);
        from = to;
      }
    }
    const kept = load<f32>(g, 36);
    for (let r = 0; r < count; r++) {
      const sum = load<f32>(total + floats(r));
      const inverse: f32 = sum == 0 ? 0 : (1 as f32) / sum;
      const most = load<f32>(top + floats(r));
      const query = i * b + r;
      store<f32>(stats + floats(query), most == -Infinity ? 0 : most);
      store<f32>(stats + floats(n + query), inverse);
      copyRows(sums + floats(r * wide), wide, 1, d, inverse * kept, out + floats(query) * (ld as usize), ld);
    }
  }
}

/** Bytes of workspace of `blockAttentionGradient`. */
export function blockAttentionGradientBytes(g: usize): usize {
  const d = load<i32>(g, 4);
  const side = up8(load<i32>(g, 12));
  const wide = up8(d);
  const all = (load<i32>(g, 16) as usize) * (side as usize);
  const held = 2 * d + 3 * wide + 3 * runBlocks(side) * side + 3;
  return (all * ((2 * d + 3 * wide) as usize) + (side as usize) * (held as usize)) << 2;
}

/** The gradients of q, k and v from that of `out`; `out` and `stats` are what `blockAttention` left. */
export function blockAttentionGradient(
  g: usize, starts: usize, q: usize, k: usize, v: usize, visible: usize, stats: usize, out: usize,
  dOut: usize, dq: usize, dk: usize, dv: usize, stream: i32, workspace: usize,
): void {
  const n = load<i32>(g), d = load<i32>(g, 4), ld = load<i32>(g, 8), b = load<i32>(g, 12), blocks = load<i32>(g, 16);
  const scale = load<f32>(g, 24);
  const columns = load<u32>(g, 28) as usize;
  const side = up8(b), wide = up8(d), most = runBlocks(side);
  const all = blocks * side;
  const keys = workspace;
  const values = keys + floats(all) * (d as usize);
  const keyColumns = values + floats(all) * (d as usize);
  const keySums = keyColumns + floats(all) * (wide as usize);
  const valueSums = keySums + floats(all) * (wide as usize);
  const queries = valueSums + floats(all) * (wide as usize);
  const gradients = queries + floats(side * d);
  const queryColumns = gradients + floats(side * d);
  const gradientColumns = queryColumns + floats(side * wide);
  const querySums = gradientColumns + floats(side * wide);
  const scores = querySums + floats(side * wide);
  const slopes = scores + floats(most * side * side);
  const turned = slopes + floats(most * side * side);
  const rows = turned + floats(most * side * side); // of each query the maximum, the inverse of the sum, and dOut·out
  const panel = floats(all) * 8;
  const row = floats(ld * b);
  for (let j = 0; j < blocks; j++) {
    const count = min(b, n - j * b);
    const place = floats(side * d) * (j as usize);
    packRows(k + (j as usize) * row, ld, count, side, d, 1, 4, keys + place);
    packRows(v + (j as usize) * row, ld, count, side, d, 1, 4, values + place);
    packColumns(k + (j as usize) * row, ld, count, side, d, 1, keyColumns + (((j * side) as usize) << 5), panel);
  }
  memory.fill(keySums, 0, 2 * floats(all) * (wide as usize));
  for (let i = 0; i < blocks; i++) {
    const count = min(b, n - i * b);
    const at0 = (i as usize) * row;
    const own = (side as usize) << 5;
    packRows(q + at0, ld, count, side, d, scale, 8, queries);
    packRows(dOut + at0, ld, count, side, d, 1, 8, gradients);
    packColumns(q + at0, ld, count, side, d, scale, queryColumns, own);
    packColumns(dOut + at0, ld, count, side, d, 1, gradientColumns, own);
    memory.fill(querySums, 0, floats(side * wide));
    memory.fill(rows, 0, 3 * floats(side));
    for (let r = 0; r < count; r++) {
      const query = i * b + r;
      store<f32>(rows + floats(r), load<f32>(stats + floats(query)));
      store<f32>(rows + floats(side + r), load<f32>(stats + floats(n + query)));
      const place = floats(query) * (ld as usize);
      store<f32>(rows + floats(2 * side + r), dot(d, dOut + place, out + place));
    }
    const end = load<i32>(starts + floats(i + 1));
    for (let at = load<i32>(starts + floats(i)); at < end; at += most) {
      const last = min(end, at + most);
      const deep = (last - at) * side;
      scoresOf(g, columns, at, last, i, side, keys, queries, visible, scores);
      products(columns, at, last, side, d, values, gradients, slopes);
      probabilities(deep, side, scores, rows);
      const drops = load<i32>(g, 32) != 0;
      if (drops) drop(g, columns, at, last, i, side, stream, slopes);
      toSlopes(deep, side, scores, slopes, rows, load<f32>(g, 36));
      if (drops) drop(g, columns, at, last, i, side, stream, scores);
      turn(deep, side, scores, turned);
      for (let from = at; from < last; ) {
        const to = runEnd(columns, from, last);
        const first = load<i32>(columns + floats(from)) * side;
        const place = floats(first * wide);
        const offset = floats((from - at) * side);
        tiles((to - from) * side, wide, side, turned + offset, 16, floats(deep), gradientColumns, own, valueSums + place, wide, true);
        tiles(side, wide, (to - from) * side, slopes + offset * (side as usize), 16, floats(side), keyColumns + ((first as usize) << 5), panel, querySums, wide, true);
        from = to;
      }
      turn(deep, side, slopes, turned);
      for (let from = at; from < last; ) {
        const to = runEnd(columns, from, last);
        const place = floats(load<i32>(columns + floats(from)) * side * wide);
        const offset = floats((from - at) * side);
        tiles((to - from) * side, wide, side, turned + offset, 16, floats(deep), queryColumns, own, keySums + place, wide, true);
        from = to;
      }
    }
    copyRows(querySums, wide, count, d, scale, dq + at0, ld);
  }
  for (let j = 0; j < blocks; j++) {
    const count = min(b, n - j * b);
    copyRows(keySums + floats(j * side * wide), wide, count, d, 1, dk + (j as usize) * row, ld);
    copyRows(valueSums + floats(j * side * wide), wide, count, d, load<f32>(g, 36), dv + (j as usize) * row, ld);
  }
}

/** Where the blocks that follow each other without a gap end. */
function runEnd(columns: usize, from: i32, last: i32): i32 {
  const first = load<i32>(columns + floats(from)) - from;
  let to = from + 1;
  while (to < last && load<i32>(columns + floats(to)) - to == first) to++;
  return to;
}

/** Of the blocks in `columns` from `at` to `last`, the products of their rows, four side by side, with the queries: [row][query]. */
function products(
  columns: usize, at: i32, last: i32, side: i32, d: i32, rows: usize, queries: usize, to: usize,
): void {
  for (let from = at; from < last; ) {
    const next = runEnd(columns, from, last);
    const first = rows + floats(side * d) * (load<i32>(columns + floats(from)) as usize);
    tiles((next - from) * side, side, d, first, (d as usize) << 4, 16, queries, (d as usize) << 5, to, side, false);
    to += floats((next - from) * side * side);
    from = next;
  }
}

/** The scores of the blocks in `columns` from `at` to `last` with query block `i`, −∞ where a key is not seen. */
function scoresOf(
  g: usize, columns: usize, at: i32, last: i32, i: i32, side: i32, keys: usize, queries: usize, visible: usize,
  scores: usize,
): void {
  const n = load<i32>(g), d = load<i32>(g, 4), b = load<i32>(g, 12);
  const causal = load<i32>(g, 20) != 0;
  products(columns, at, last, side, d, keys, queries, scores);
  for (let t = at; t < last; t++) {
    const j = load<i32>(columns + floats(t));
    const count = min(b, n - j * b);
    const block = scores + floats((t - at) * side * side);
    for (let p = 0; p < side; p++) {
      const hidden = p >= count || (visible != 0 && load<f32>(visible + floats(j * b + p)) == 0);
      const before = hidden || (causal && j > i) ? side : causal && j == i ? p : 0;
      for (let x = 0; x < before; x++) store<f32>(block + floats(p * side + x), -Infinity);
    }
  }
}

/**
 * Makes the scores of `deep` keys exponentials, adds them to the queries' sums, and moves their maxima; `factor` is what the sums until
 * now are multiplied by.
 */
function addExponentials(deep: i32, side: i32, scores: usize, top: usize, total: usize, factor: usize): void {
  const row = floats(side);
  const end = scores + row * (deep as usize);
  const least = f32x4.splat(-Infinity);
  for (let x: usize = 0; x < row; x += 16) {
    const before = v128.load(top + x);
    let most = before;
    for (let at = scores + x; at < end; at += row) most = f32x4.max(most, v128.load(at));
    v128.store(top + x, most);
    const from = v128.andnot(most, f32x4.eq(most, least)); // 0 where nothing is seen yet
    const scale = exp4(f32x4.sub(before, from));
    let sum = f32x4.mul(v128.load(total + x), scale);
    for (let at = scores + x; at < end; at += row) {
      const value = exp4(f32x4.sub(v128.load(at), from));
      v128.store(at, value);
      sum = f32x4.add(sum, value);
    }
    v128.store(total + x, sum);
    v128.store(factor + x, scale);
  }
}

/** Multiplies each row by a factor of its own. */
function scaleRows(rows: i32, n: i32, factor: usize, x: usize): void {
  const bytes = floats(n);
  for (let r = 0; r < rows; r++) {
    const scale = v128.load_splat<f32>(factor + floats(r));
    for (let c: usize = 0; c < bytes; c += 16) v128.store(x + c, f32x4.mul(v128.load(x + c), scale));
    x += bytes;
  }
}

/** Makes scores probabilities, by the queries' maxima and inverse sums. */
function probabilities(deep: i32, side: i32, scores: usize, rows: usize): void {
  const row = floats(side);
  const end = scores + row * (deep as usize);
  for (let x: usize = 0; x < row; x += 16) {
    const most = v128.load(rows + x);
    const inverse = v128.load(rows + row + x);
    for (let at = scores + x; at < end; at += row) {
      v128.store(at, f32x4.mul(exp4(f32x4.sub(v128.load(at), most)), inverse));
    }
  }
}

/** The gradients of scores from those of probabilities: p·(kept·slope − Σ p·slope), the sum in the third row of `rows`. */
function toSlopes(deep: i32, side: i32, p: usize, slopes: usize, rows: usize, kept: f32): void {
  const row = floats(side);
  const bytes = row * (deep as usize);
  const factor = f32x4.splat(kept);
  for (let x: usize = 0; x < row; x += 16) {
    const mean = v128.load(rows + 2 * row + x);
    for (let at = x; at < bytes; at += row) {
      const slope = f32x4.sub(f32x4.mul(v128.load(slopes + at), factor), mean);
      v128.store(slopes + at, f32x4.mul(v128.load(p + at), slope));
    }
  }
}

/** Makes 0 what a dropout drops: of key and query the numbers, mixed with the stream's, are below the geometry's least draw. */
function drop(g: usize, columns: usize, at: i32, last: i32, i: i32, side: i32, stream: i32, x: usize): void {
  const b = load<i32>(g, 12);
  const least = i32x4.splat(load<i32>(g, 32));
  const step = i32x4.splat(4);
  for (let t = at; t < last; t++) {
    const key = load<i32>(columns + floats(t)) * b;
    for (let p = 0; p < side; p++) {
      const seed = i32x4.splat(mix(key + p) ^ stream);
      let query = i32x4.add(i32x4.splat(i * b), i32x4(0, 1, 2, 3));
      for (let y = 0; y < side; y += 4) {
        let h = v128.xor(i32x4.mul(query, i32x4.splat(0x9e3779b1)), seed);
        h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 16)), i32x4.splat(0x85ebca6b));
        h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), i32x4.splat(0xc2b2ae35));
        h = v128.xor(h, i32x4.shr_u(h, 16));
        v128.store(x, v128.and(v128.load(x), i32x4.ge_u(h, least)));
        query = i32x4.add(query, step);
        x += 16;
      }
    }
  }
}

function mix(n: i32): i32 {
  let h = n * 0x85ebca77;
  h = (h ^ (h >>> 15)) * 0x27d4eb2f;
  return h ^ (h >>> 13);
}

function dot(n: i32, x: usize, y: usize): f32 {
  let sums = f32x4.splat(0);
  const end = x + floats(n);
  for (; x + 16 <= end; x += 16) {
    sums = f32x4.add(sums, f32x4.mul(v128.load(x), v128.load(y)));
    y += 16;
  }
  let sum =
    f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1) + (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3));
  for (; x < end; x += 4) {
    sum += load<f32>(x) * load<f32>(y);
    y += 4;
  }
  return sum;
}
