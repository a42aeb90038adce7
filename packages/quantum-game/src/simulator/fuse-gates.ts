/**
 * Fusion of neighbouring gates on one qubit: what follows without a gate between them that touches the qubit is one 2 × 2
 * matrix, made anew from the angles of each call. Only for running forward: the adjoint gradient needs every gate.
 */
import { FLIP, MATRIX, PAULI, PHASE, RY, SWAP, type Primitive } from './primitives.ts';

/** A primitive, or the MATRIX of several. */
export interface FusedPrimitive {
  readonly primitive: Primitive;
  /** Indices of the primitives it stands for, in order. */
  readonly parts: readonly number[];
}

/** The primitives with each run of two or more on one qubit, without controls, as one MATRIX. */
export function fuseNeighbours(primitives: readonly Primitive[]): FusedPrimitive[] {
  const made: { primitive: Primitive; parts: number[] }[] = [];
  const open = new Map<number, number>(); // qubit mask → where in `made` the run on it stands
  primitives.forEach((primitive, index) => {
    const qubit = onlyQubit(primitive);
    const at = qubit === 0 ? undefined : open.get(qubit);
    if (at !== undefined) {
      made[at]!.parts.push(index);
      made[at]!.primitive = { kind: MATRIX, controls: 0, x: qubit, z: 0, ys: 0, angle: 0, matrix: undefined };
      return;
    }
    const touched = primitive.controls | primitive.x | primitive.z;
    for (let rest = touched; rest !== 0; rest &= rest - 1) open.delete(rest & -rest);
    if (qubit !== 0) open.set(qubit, made.length);
    made.push({ primitive, parts: [index] });
  });
  return made;
}

/** The product of the parts' matrices for these angles, into `into` as real and imaginary parts, row by row. */
export function fusedMatrix(
  primitives: readonly Primitive[],
  parts: readonly number[],
  angles: Float64Array,
  into: Float64Array,
): void {
  writeMatrix(primitives[parts[0]!]!, angles[parts[0]!]!, into);
  const next = new Float64Array(8);
  const product = new Float64Array(8);
  for (const index of parts.slice(1)) {
    writeMatrix(primitives[index]!, angles[index]!, next);
    for (let row = 0; row < 2; row++) {
      for (let column = 0; column < 2; column++) {
        let [re, im] = [0, 0];
        for (let k = 0; k < 2; k++) {
          const [a, b] = [4 * row + 2 * k, 4 * k + 2 * column];
          re += next[a]! * into[b]! - next[a + 1]! * into[b + 1]!;
          im += next[a]! * into[b + 1]! + next[a + 1]! * into[b]!;
        }
        product[4 * row + 2 * column] = re;
        product[4 * row + 2 * column + 1] = im;
      }
    }
    into.set(product);
  }
}

/** The one qubit that a primitive without controls acts on, as a mask; 0 where it touches more. */
function onlyQubit({ kind, controls, x, z }: Primitive): number {
  if (kind === SWAP || (kind !== PHASE && controls !== 0)) return 0;
  const mask = controls | x | z;
  return (mask & (mask - 1)) === 0 ? mask : 0;
}

function writeMatrix({ kind, x, z, matrix }: Primitive, angle: number, into: Float64Array): void {
  const half = kind === PHASE ? angle : angle / 2;
  const [c, s] = [Math.cos(half), Math.sin(half)];
  switch (kind) {
    case MATRIX:
      into.set(matrix!);
      break;
    case FLIP:
      into.set([0, 0, 1, 0, 1, 0, 0, 0]);
      break;
    case PHASE:
      into.set([1, 0, 0, 0, 0, 0, c, s]);
      break;
    case PAULI:
      if (x === 0) into.set([c, -s, 0, 0, 0, 0, c, s]);
      else if (z === 0) into.set([c, 0, 0, -s, 0, -s, c, 0]);
      else into.set([c, 0, -s, 0, s, 0, c, 0]);
      break;
    case RY:
      into.set([c, 0, -s, 0, s, 0, c, 0]);
      break;
  }
}
