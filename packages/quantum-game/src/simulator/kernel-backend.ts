/** The backend on the compiled kernels: two states, the circuit as records, and the passes over them, in one memory. */
import type { XGroup } from '../hamiltonian/x-groups.ts';
import { bindStateKernels, type StateKernels } from '../kernels/state-kernels.ts';
import type { Backend } from './backend.ts';
import { fusedMatrix, fuseNeighbours, type FusedPrimitive } from './fuse-gates.ts';
import { MATRIX, PAULI, PHASE, RY, type Primitive } from './primitives.ts';
import { schedule, type Pass } from './schedule.ts';

/** Bytes of a record: ten 32-bit numbers, then up to eight of 64 bits; see the kernels. */
const STRIDE = 104;
const PAGE = 65_536;
/** States up to this size are one block: they fit the second-level cache. */
const MOST_BLOCK_QUBITS = 13;
const BLOCK_QUBITS = 11;
const LOW_QUBITS = 4;
/** Amplitudes that a product with the Hamiltonian works on at once. */
const PRODUCT_QUBITS = 10;

/** A pass as the kernels take it. */
interface CompiledPass {
  readonly outside: number;
  readonly blocks: number;
  readonly size: number;
  readonly offsets: number;
  readonly count: number;
  readonly run: number;
  readonly records: number;
  readonly length: number;
  readonly terms: number;
}

/** Undefined where the engine has no WebAssembly with SIMD. */
export function kernelBackend(qubits: number, primitives: readonly Primitive[]): Backend | undefined {
  const whole = qubits <= MOST_BLOCK_QUBITS;
  const size = { blockQubits: whole ? qubits : BLOCK_QUBITS, lowQubits: LOW_QUBITS };
  const passes = schedule(qubits, primitives, size);
  const steps = passes.flatMap((pass) => pass.steps);
  // forward alone may run neighbours on one qubit as one; where there are none both sweeps share their passes
  const fused = fuseNeighbours(primitives);
  const gates = fused.map(({ primitive }) => primitive);
  const ahead = gates.length < primitives.length ? schedule(qubits, gates, size) : undefined;
  const states = 16 * 2 ** qubits;

  const layout = new Layout();
  const records = layout.take(STRIDE * steps.length);
  const terms = layout.take(16 * steps.length);
  const tablesFor = (of: readonly Pass[]): number[] =>
    of.map((pass) => layout.take(4 * runsOf(pass, qubits).length));
  const tables = tablesFor(passes);
  const aheadRecords = layout.take(STRIDE * gates.length);
  const aheadTables = tablesFor(ahead ?? []);
  const table = layout.take(8 * 2 ** PRODUCT_QUBITS);
  const block = layout.take(whole ? 0 : 2 * 16 * 2 ** BLOCK_QUBITS);
  const psi = layout.take(states);
  const lambda = layout.take(states);
  const groupsAt = layout.take(0);

  const memory = new WebAssembly.Memory({ initial: Math.ceil(layout.end / PAGE), maximum: 65_536 });
  const kernels = bindStateKernels(memory);
  if (kernels === undefined) return undefined;

  const compiled = compilePasses(memory, qubits, passes, primitives, { records, terms, tables });
  const setAngles = angleWriter(memory, primitives, passes, records);
  const forwards = ahead
    ? compilePasses(memory, qubits, ahead, gates, { records: aheadRecords, terms, tables: aheadTables })
    : compiled;
  const setAhead = ahead ? fusedWriter(memory, primitives, fused, ahead, aheadRecords) : setAngles;
  const product = productWriter(memory, kernels, { psi, lambda, table, groups: groupsAt, qubits });
  const view = (at: number): (() => Float64Array) => {
    let kept = new Float64Array(memory.buffer, at, states / 8);
    return () => (kept.length > 0 ? kept : (kept = new Float64Array(memory.buffer, at, states / 8)));
  };
  const [psiView, lambdaView] = [view(psi), view(lambda)];
  const constants = steps.map(({ index }) => {
    const { kind } = primitives[index]!;
    return kind === RY || kind === PAULI || kind === PHASE;
  });

  return {
    get psi() {
      return psiView();
    },
    get lambda() {
      return lambdaView();
    },
    forward(angles) {
      setAhead(angles);
      for (const p of forwards) {
        kernels.forwardPass(
          psi, p.outside, p.blocks, p.size, block, p.offsets, p.count, p.run, p.records, p.length, STRIDE,
        ); // prettier-ignore
      }
    },
    multiply: product,
    backward(angles, into) {
      setAngles(angles);
      const sums = new Float64Array(memory.buffer, terms, 2 * steps.length).fill(0);
      for (let i = compiled.length - 1; i >= 0; i--) {
        const p = compiled[i]!;
        kernels.backwardPass(
          psi, lambda, p.outside, p.blocks, p.size, block, p.offsets, p.count, p.run, p.records, p.length, STRIDE,
          p.terms,
        ); // prettier-ignore
      }
      steps.forEach(({ index }, i) => {
        if (constants[i]) into[index] = gradientOf(primitives[index]!, sums[2 * i]!, sums[2 * i + 1]!);
      });
    },
  };
}

/** The angle's derivative from the two sums that the kernels return. */
function gradientOf({ kind, controls, ys }: Primitive, re: number, im: number): number {
  if (kind === PHASE) return -2 * im;
  if (kind === RY) return controls === 0 ? re : re;
  return [im, re, -im, -re][ys]!;
}

class Layout {
  end = 0;
  take(bytes: number): number {
    const at = this.end;
    this.end = Math.ceil((at + bytes) / 64) * 64;
    return at;
  }
}

/** Global offsets of a block's runs of contiguous numbers. */
function runsOf({ block }: Pass, qubits: number): number[] {
  const high = block & ~(lowRun(block) - 1);
  const offsets: number[] = [];
  for (let bits = 0, more = true; more; bits = ((bits | ~high) + 1) & high, more = bits !== 0)
    offsets.push(bits);
  return block === 2 ** qubits - 1 ? [0] : offsets;
}

/** Length of a block's contiguous runs: 2 to the number of low qubits that are all in it. */
function lowRun(block: number): number {
  let run = 1;
  while (block & run) run *= 2;
  return run;
}

/** The mask's bits as those of a block's own numbering. */
function localMask(mask: number, block: number): number {
  let made = 0;
  let bit = 1;
  for (let rest = block; rest !== 0; rest &= rest - 1, bit *= 2) if (mask & rest & -rest) made |= bit;
  return made;
}

function compilePasses(
  memory: WebAssembly.Memory,
  qubits: number,
  passes: readonly Pass[],
  primitives: readonly Primitive[],
  at: { readonly records: number; readonly terms: number; readonly tables: readonly number[] },
): CompiledPass[] {
  const ints = new Int32Array(memory.buffer);
  const doubles = new DataView(memory.buffer);
  let step = 0;
  return passes.map((pass, i) => {
    const { block, steps } = pass;
    const outside = (2 ** qubits - 1) & ~block;
    const offsets = runsOf(pass, qubits);
    const run = lowRun(block);
    const contiguous = offsets.length === 1;
    ints.set(offsets, at.tables[i]! / 4);
    const first = step;
    for (const { index, mux } of steps) {
      const { kind, controls, x, z, ys, matrix } = primitives[index]!;
      const record = at.records + STRIDE * step++;
      ints.set(
        [
          kind,
          localMask(x, block),
          localMask(z, block),
          localMask(controls, block),
          controls & outside,
          z & outside,
          ys,
          localMask(mux, block),
          mux & outside,
          0,
        ],
        record / 4,
      );
      if (kind === MATRIX)
        matrix?.forEach((value, j) => doubles.setFloat64(record + 40 + 8 * j, value, true));
    }
    const numbers = contiguous ? run : run * offsets.length;
    return {
      outside,
      blocks: 2 ** qubits / numbers,
      size: numbers,
      offsets: at.tables[i]!,
      count: offsets.length,
      run,
      records: at.records + STRIDE * first,
      length: steps.length,
      terms: at.terms + 16 * first,
    };
  });
}

/** Writes cosines and sines of the angles, half of them for rotations, into the records. */
function angleWriter(
  memory: WebAssembly.Memory,
  primitives: readonly Primitive[],
  passes: readonly Pass[],
  records: number,
): (angles: Float64Array) => void {
  const written = passes
    .flatMap((pass) => pass.steps)
    .map(({ index }, i) => ({ index, kind: primitives[index]!.kind, at: (records + STRIDE * i + 40) / 8 }))
    .filter(({ kind }) => kind === RY || kind === PAULI || kind === PHASE);
  let doubles = new Float64Array(memory.buffer);
  return (angles) => {
    if (doubles.length === 0) doubles = new Float64Array(memory.buffer);
    for (const { index, kind, at } of written) {
      const angle = kind === PHASE ? angles[index]! : angles[index]! / 2;
      doubles[at] = Math.cos(angle);
      doubles[at + 1] = Math.sin(angle);
    }
  };
}

/** {@link angleWriter} for fused gates, whose matrices it writes too. */
function fusedWriter(
  memory: WebAssembly.Memory,
  primitives: readonly Primitive[],
  fused: readonly FusedPrimitive[],
  passes: readonly Pass[],
  records: number,
): (angles: Float64Array) => void {
  const gates = fused.map(({ primitive }) => primitive);
  const single = angleWriter(memory, gates, passes, records);
  const own = new Float64Array(fused.length);
  const several = passes
    .flatMap((pass) => pass.steps)
    .map(({ index }, i) => ({ parts: fused[index]!.parts, at: (records + STRIDE * i + 40) / 8 }))
    .filter(({ parts }) => parts.length > 1);
  let doubles = new Float64Array(memory.buffer);
  const matrix = new Float64Array(8);
  return (angles) => {
    fused.forEach(({ parts }, i) => (own[i] = angles[parts[0]!]!));
    single(own);
    if (doubles.length === 0) doubles = new Float64Array(memory.buffer);
    for (const { parts, at } of several) {
      fusedMatrix(primitives, parts, angles, matrix);
      doubles.set(matrix, at);
    }
  };
}

/** Keeps the last Hamiltonian's groups in memory and multiplies by it. */
function productWriter(
  memory: WebAssembly.Memory,
  kernels: StateKernels,
  at: {
    readonly psi: number;
    readonly lambda: number;
    readonly table: number;
    readonly groups: number;
    readonly qubits: number;
  },
): (groups: readonly XGroup[]) => number {
  let present: readonly XGroup[] | undefined;
  const size = 2 ** Math.min(at.qubits, PRODUCT_QUBITS);
  return (groups) => {
    if (groups !== present) {
      const count = groups.reduce((sum, { z }) => sum + z.length, 0);
      const end = at.groups + 16 * (groups.length + count);
      const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
      if (missing > 0) memory.grow(missing);
      const data = new DataView(memory.buffer);
      let term = at.groups + 16 * groups.length;
      groups.forEach(({ x, imaginary, z, weights }, g) => {
        const group = at.groups + 16 * g;
        [x, Number(imaginary), z.length, term].forEach((value, i) =>
          data.setInt32(group + 4 * i, value, true),
        );
        z.forEach((mask, t) => {
          data.setInt32(term, mask, true);
          data.setFloat64(term + 8, weights[t]!, true);
          term += 16;
        });
      });
      present = groups;
    }
    return kernels.multiply(at.psi, at.lambda, 2 ** at.qubits, size, at.groups, groups.length, at.table);
  };
}
