import { apply, applyBack, swapped } from './block';

/** Copies between a state and a block that is not contiguous in it: runs of `run` numbers at `base` plus each offset. */
function gather(state: usize, block: usize, base: i32, offsets: usize, count: i32, run: i32): void {
  const bytes = (run as usize) << 4;
  for (let i = 0; i < count; i++) {
    memory.copy(block, state + (((base + load<i32>(offsets + ((i as usize) << 2))) as usize) << 4), bytes);
    block += bytes;
  }
}

function scatter(state: usize, block: usize, base: i32, offsets: usize, count: i32, run: i32): void {
  const bytes = (run as usize) << 4;
  for (let i = 0; i < count; i++) {
    memory.copy(state + (((base + load<i32>(offsets + ((i as usize) << 2))) as usize) << 4), block, bytes);
    block += bytes;
  }
}

/**
 * One pass of records over a state of 2^n numbers, block by block: a block takes the qubits not in `outside`. With `count` 1 a
 * block is contiguous and stays where it is, else it goes through the memory at `block`.
 */
export function forwardPass(
  state: usize,
  outside: i32,
  blocks: i32,
  size: i32,
  block: usize,
  offsets: usize,
  count: i32,
  run: i32,
  records: usize,
  length: i32,
  stride: i32,
): void {
  let base = 0;
  for (let i = 0; i < blocks; i++) {
    const p = count == 1 ? state + ((base as usize) << 4) : block;
    if (count > 1) gather(state, block, base, offsets, count, run);
    let record = records;
    for (let r = 0; r < length; r++, record += stride) apply(p, size, base, record, false);
    if (count > 1) scatter(state, block, base, offsets, count, run);
    base = ((base | ~outside) + 1) & outside;
  }
}

/** The pass undone on two states, last record first; `terms` takes two numbers for each record. */
export function backwardPass(
  psi: usize,
  lambda: usize,
  outside: i32,
  blocks: i32,
  size: i32,
  block: usize,
  offsets: usize,
  count: i32,
  run: i32,
  records: usize,
  length: i32,
  stride: i32,
  terms: usize,
): void {
  const second = block + ((size as usize) << 4);
  let base = 0;
  for (let i = 0; i < blocks; i++) {
    const at = (base as usize) << 4;
    const p = count == 1 ? psi + at : block;
    const q = count == 1 ? lambda + at : second;
    if (count > 1) {
      gather(psi, block, base, offsets, count, run);
      gather(lambda, second, base, offsets, count, run);
    }
    for (let r = length - 1; r >= 0; r--) {
      applyBack(p, q, size, base, (records + r * stride) as usize, terms + ((r as usize) << 4));
    }
    if (count > 1) {
      scatter(psi, block, base, offsets, count, run);
      scatter(lambda, second, base, offsets, count, run);
    }
    base = ((base | ~outside) + 1) & outside;
  }
}

/** factors[l] = Σ weights (−1)^|(base + l) ∧ z| for l < size, by a Walsh–Hadamard transform. */
function factorTable(terms: usize, length: i32, base: i32, size: i32, table: usize): void {
  memory.fill(table, 0, (size as usize) << 3);
  for (let t = 0; t < length; t++) {
    const z = load<i32>(terms);
    const weight = load<f64>(terms, 8);
    const at = table + (((z & (size - 1)) as usize) << 3);
    store<f64>(at, popcnt<i32>(base & z) & 1 ? load<f64>(at) - weight : load<f64>(at) + weight);
    terms += 16;
  }
  for (let i = 0; i < size; i += 2) {
    const at = table + ((i as usize) << 3);
    const a = load<f64>(at);
    const b = load<f64>(at, 8);
    store<f64>(at, a + b);
    store<f64>(at, a - b, 8);
  }
  for (let half = 2; half < size; half *= 2) {
    const far = (half as usize) << 3;
    for (let start = 0; start < size; start += 2 * half) {
      let at = table + ((start as usize) << 3);
      const end = at + far;
      for (; at < end; at += 16) {
        const a = v128.load(at);
        const b = v128.load(at + far);
        v128.store(at, f64x2.add(a, b));
        v128.store(at + far, f64x2.sub(a, b));
      }
    }
  }
}

/**
 * out = H psi, and ⟨psi|H|psi⟩. A group is x, whether its factor is imaginary, its number of terms and where they are; a term is z
 * and its weight. `size` ≥ 2 numbers are worked on at once, with `table` for their factors.
 */
export function multiply(
  psi: usize,
  out: usize,
  total: i32,
  size: i32,
  groups: usize,
  length: i32,
  table: usize,
): f64 {
  const low = size - 1;
  const turn = f64x2.replace_lane(f64x2.splat(-1), 1, 1);
  let energy = f64x2.splat(0);
  for (let base = 0; base < total; base += size) {
    const to = out + ((base as usize) << 4);
    memory.fill(to, 0, (size as usize) << 4);
    for (let g = 0; g < length; g++) {
      const group = groups + ((g as usize) << 4);
      const x = load<i32>(group);
      const imaginary = load<i32>(group, 4);
      const count = load<i32>(group, 8);
      const terms = load<i32>(group, 12) as usize;
      const source = base ^ (x & ~low);
      const from = psi + ((source as usize) << 4);
      const inner = x & low;
      if (count == 1 && load<i32>(terms) == 0 && !imaginary) {
        const w = v128.load64_splat(terms, 8);
        if (inner == 0) {
          for (let l: usize = 0; l < (size as usize) << 4; l += 16) {
            v128.store(to + l, f64x2.add(v128.load(to + l), f64x2.mul(w, v128.load(from + l))));
          }
        } else {
          const flip = (inner as usize) << 4;
          for (let l: usize = 0; l < (size as usize) << 4; l += 16) {
            v128.store(to + l, f64x2.add(v128.load(to + l), f64x2.mul(w, v128.load(from + (l ^ flip)))));
          }
        }
        continue;
      }
      factorTable(terms, count, source, size, table);
      for (let l = 0; l < size; l++) {
        const other = (l ^ inner) as usize;
        let a = f64x2.mul(v128.load64_splat(table + (other << 3)), v128.load(from + (other << 4)));
        if (imaginary) a = f64x2.mul(turn, swapped(a));
        const at = to + ((l as usize) << 4);
        v128.store(at, f64x2.add(v128.load(at), a));
      }
    }
    const own = psi + ((base as usize) << 4);
    for (let l: usize = 0; l < (size as usize) << 4; l += 16) {
      energy = f64x2.add(energy, f64x2.mul(v128.load(own + l), v128.load(to + l)));
    }
  }
  return f64x2.extract_lane(energy, 0) + f64x2.extract_lane(energy, 1);
}
