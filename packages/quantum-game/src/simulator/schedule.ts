/**
 * Splits a circuit's primitives into passes over the state. A pass works on blocks of few qubits, which stay in the
 * cache while all of its primitives run on them. Only qubits that a primitive changes must be among them: controls and
 * signs may lie outside, where they are constants of a block.
 *
 * Fusion: RY followed by CX on its target is one step that writes the pair the other way round.
 */
import { FLIP, PHASE, RY, type Primitive } from './primitives.ts';

/** One primitive of a pass, with the CX that follows it where the two are one. */
export interface Step {
  /** Index of the primitive. */
  readonly index: number;
  /** Mask of the control of the CX fused into this RY; 0 for none. */
  readonly mux: number;
}

export interface Pass {
  /** Mask of the qubits of a block. */
  readonly block: number;
  readonly steps: readonly Step[];
}

/** Options of {@link schedule}. */
export interface ScheduleOptions {
  /** Qubits of a block. */
  readonly blockQubits: number;
  /** Lowest qubits that are in every block, so that it is copied in runs. */
  readonly lowQubits: number;
}

/** The passes, in order. Steps that touch no common qubit may have changed places. */
export function schedule(
  qubits: number,
  primitives: readonly Primitive[],
  { blockQubits, lowQubits }: ScheduleOptions,
): Pass[] {
  const steps = fuse(primitives);
  if (qubits <= blockQubits) return [{ block: 2 ** qubits - 1, steps }];
  const passes: Pass[] = [];
  let waiting = steps;
  while (waiting.length > 0) {
    let block = 2 ** lowQubits - 1;
    let blocked = 0;
    const taken: Step[] = [];
    const left: Step[] = [];
    for (const step of waiting) {
      const primitive = primitives[step.index]!;
      const touched = touchedBy(primitive) | step.mux;
      const wider = block | changedBy(primitive);
      if ((touched & blocked) === 0 && countBits(wider) <= blockQubits) {
        block = wider;
        taken.push(step);
      } else {
        blocked |= touched;
        left.push(step);
      }
    }
    if (taken.length === 0) {
      // a primitive that changes more qubits than a block has: it runs on the whole state
      passes.push({ block: 2 ** qubits - 1, steps: [left.shift()!] });
    } else {
      passes.push({ block: filled(block, qubits, blockQubits), steps: taken });
    }
    waiting = left;
  }
  return passes;
}

function fuse(primitives: readonly Primitive[]): Step[] {
  const steps: (Step | undefined)[] = [];
  const last = new Map<number, number>(); // qubit mask → index in steps of the last one that touches it
  primitives.forEach((primitive, index) => {
    const { kind, controls, x } = primitive;
    const at = last.get(x);
    const before = at === undefined ? undefined : steps[at];
    const one = controls !== 0 && (controls & (controls - 1)) === 0;
    if (kind === FLIP && one && before && before.mux === 0) {
      const turn = primitives[before.index]!;
      if (turn.kind === RY && turn.controls === 0) {
        steps[at!] = undefined;
        steps.push({ index: before.index, mux: controls });
        last.set(x, steps.length - 1).set(controls, steps.length - 1);
        return;
      }
    }
    steps.push({ index, mux: 0 });
    for (let rest = touchedBy(primitive); rest !== 0; rest &= rest - 1)
      last.set(rest & -rest, steps.length - 1);
  });
  return steps.filter((step) => step !== undefined);
}

function touchedBy({ controls, x, z }: Primitive): number {
  return controls | x | z;
}

/** The qubits between whose values a primitive moves amplitude. */
function changedBy({ kind, x }: Primitive): number {
  return kind === PHASE ? 0 : x;
}

/** The block with further qubits from the lowest up, until it is full. */
function filled(block: number, qubits: number, blockQubits: number): number {
  let made = block;
  for (let q = 0; q < qubits && countBits(made) < blockQubits; q++) made |= 1 << q;
  return made;
}

function countBits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
