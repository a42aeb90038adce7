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
