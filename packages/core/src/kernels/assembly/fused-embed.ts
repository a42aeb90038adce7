/** The sum of a token's vectors: its word, its position and its type. */
import { KC } from './gemm';
import { NR } from './store-tile';

/**
 * Row r of y = words[ids[r]] + positions[places[r]] + types[kinds[r]], each of `n` numbers; a table at 0 is none. Where `tokens` is not
 * 0, words are packed as the output matrix (n × tokens) of `fusedDense`, which they are too.
 */
export function fusedEmbed(
  rows: i32, n: i32, ids: usize, words: usize, tokens: i32, places: usize, positions: usize, kinds: usize, types: usize, y: usize,
): void {
  const bytes = (n as usize) << 2;
  for (let r = 0; r < rows; r++) {
    const id = load<i32>(ids);
    if (tokens) unpackColumn(n, id, words, tokens, y);
    else memory.copy(y, words + (id as usize) * bytes, bytes);
    if (positions) addRow(bytes, positions + (load<i32>(places) as usize) * bytes, y);
    if (types) addRow(bytes, types + (load<i32>(kinds) as usize) * bytes, y);
    ids += 4;
    places += 4;
    kinds += 4;
    y += bytes;
  }
}

function unpackColumn(n: i32, column: i32, panels: usize, tokens: i32, y: usize): void {
  const wide = (((tokens + NR - 1) / NR) * NR) as usize;
  for (let p = 0; p < n; p += KC) {
    const kc = min(KC, n - p);
    let from = panels + (((p as usize) * wide + (((column & ~(NR - 1)) * kc + (column & (NR - 1))) as usize)) << 2);
    for (let i = 0; i < kc; i++) {
      store<f32>(y, load<f32>(from));
      from += (NR as usize) << 2;
      y += 4;
    }
  }
}

function addRow(bytes: usize, x: usize, y: usize): void {
  let c: usize = 0;
  for (; c + 16 <= bytes; c += 16) v128.store(y + c, f32x4.add(v128.load(y + c), v128.load(x + c)));
  for (; c < bytes; c += 4) store<f32>(y + c, load<f32>(y + c) + load<f32>(x + c));
}
