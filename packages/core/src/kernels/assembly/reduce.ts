/**
 * Rows are summed in runs of 64, and these sums in runs of 64: the rounding error grows with the length of a run, not with
 * the number of rows.
 */
const RUN: i32 = 64;

/** Bytes of workspace: the sums of a run of rows and of a run of runs. */
export function columnSumsBytes(n: i32): i32 {
  return 2 * n * 4;
}

/** The sum of each of `n` columns over `rows` rows. */
export function columnSums(rows: i32, n: i32, x: usize, to: usize, workspace: usize): void {
  const bytes = (n as usize) << 2;
  const runs = workspace + bytes;
  memory.fill(to, 0, bytes);
  for (let outer = 0; outer < rows; outer += RUN * RUN) {
    memory.fill(runs, 0, bytes);
    const end = min(rows, outer + RUN * RUN);
    for (let r = outer; r < end; r += RUN) {
      memory.fill(workspace, 0, bytes);
      for (let i = min(RUN, end - r); i > 0; i--) {
        addRow(n, x, workspace);
        x += bytes;
      }
      addRow(n, workspace, runs);
    }
    addRow(n, runs, to);
  }
}

// @ts-ignore: decorator
@inline
function addRow(n: i32, from: usize, to: usize): void {
  let c = 0;
  for (; c + 4 <= n; c += 4) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
    from += 16;
    to += 16;
  }
  for (; c < n; c++) {
    store<f32>(to, load<f32>(to) + load<f32>(from));
    from += 4;
    to += 4;
  }
}

/** Bytes of workspace of `normalSums`. */
export function normalSumsBytes(n: i32): i32 {
  return 4 * n * 4;
}

/** For each of `n` columns Σ dy and Σ dy·(x − mean), the two sums of a batch normalisation's gradient, side by side. */
export function normalSums(rows: i32, n: i32, dy: usize, x: usize, mean: usize, to: usize, workspace: usize): void {
  const bytes = (n as usize) << 2;
  const runs = workspace + 2 * bytes;
  memory.fill(to, 0, 2 * bytes);
  for (let outer = 0; outer < rows; outer += RUN * RUN) {
    memory.fill(runs, 0, 2 * bytes);
    const end = min(rows, outer + RUN * RUN);
    for (let r = outer; r < end; r += RUN) {
      memory.fill(workspace, 0, 2 * bytes);
      for (let i = min(RUN, end - r); i > 0; i--) {
        addNormalRow(n, dy, x, mean, workspace);
        dy += bytes;
        x += bytes;
      }
      addRow(2 * n, workspace, runs);
    }
    addRow(2 * n, runs, to);
  }
}

// @ts-ignore: decorator
@inline
function addNormalRow(n: i32, dy: usize, x: usize, mean: usize, to: usize): void {
  const bytes = (n as usize) << 2;
  let c: usize = 0;
  for (; c + 16 <= bytes; c += 16) {
    const gradient = v128.load(dy + c);
    const centred = f32x4.sub(v128.load(x + c), v128.load(mean + c));
    v128.store(to + c, f32x4.add(v128.load(to + c), gradient));
    v128.store(to + bytes + c, f32x4.add(v128.load(to + bytes + c), f32x4.mul(gradient, centred)));
  }
  for (; c < bytes; c += 4) {
    const gradient = load<f32>(dy + c);
    store<f32>(to + c, load<f32>(to + c) + gradient);
    store<f32>(to + bytes + c, load<f32>(to + bytes + c) + gradient * (load<f32>(x + c) - load<f32>(mean + c)));
  }
}
