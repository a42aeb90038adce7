/** Copies rows of tokens, and sums what tokens of one id get. */

/** Copies `n` numbers. */
// @ts-ignore: decorator
@inline
export function copyRow(from: usize, to: usize, n: i32): void {
  let c = 0;
  for (; c + 16 <= n; c += 16, from += 64, to += 64) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    v128.store(to, v128.load(from, 32), 32);
    v128.store(to, v128.load(from, 48), 48);
  }
  for (; c + 4 <= n; c += 4, from += 16, to += 16) v128.store(to, v128.load(from));
  for (; c < n; c++, from += 4, to += 4) store<f32>(to, load<f32>(from));
}

/** The sum of two rows of `n` numbers, either of which may be `to`. */
// @ts-ignore: decorator
@inline
function addRows(a: usize, b: usize, to: usize, n: i32): void {
  let c = 0;
  for (; c + 4 <= n; c += 4, a += 16, b += 16, to += 16) {
    v128.store(to, f32x4.add(v128.load(a), v128.load(b)));
  }
  for (; c < n; c++, a += 4, b += 4, to += 4) store<f32>(to, load<f32>(a) + load<f32>(b));
}

/**
 * For each different id where the sum of its tokens' rows of `dy` `[n, dimension]` is, to `found`: the row itself for an id of
 * one token, else a row of `sums` `[different ids, dimension]`.
 */
export function sumById(n: i32, dimension: i32, places: usize, dy: usize, sums: usize, found: usize): void {
  const bytes = (dimension as usize) << 2;
  let known = 0;
  for (let i = 0; i < n; i++, dy += bytes) {
    const place = load<i32>(places + ((i as usize) << 2));
    const entry = found + ((place as usize) << 2);
    if (place == known) {
      known++;
      store<u32>(entry, dy as u32);
      continue;
    }
    const sum = sums + (place as usize) * bytes;
    addRows(load<u32>(entry) as usize, dy, sum, dimension);
    store<u32>(entry, sum as u32);
  }
}
