import type { Angle } from '../circuit/angle.ts';
import type { Circuit, Operation } from '../circuit/circuit.ts';

/** Operations that are drawn side by side: no line crosses another. */
export type Column = readonly Operation[];

/** The columns of a drawing, each operation as far left as its lines allow. */
export function toColumns(circuit: Circuit): Column[] {
  const columns: Operation[][] = [];
  const free = new Int32Array(circuit.qubits);
  for (const operation of circuit.operations) {
    const [top, bottom] = spanOf(operation);
    let at = 0;
    for (let q = top; q <= bottom; q++) at = Math.max(at, free[q]!);
    (columns[at] ??= []).push(operation);
    for (let q = top; q <= bottom; q++) free[q] = at + 1;
  }
  return columns;
}

/** First and last qubit that an operation's line crosses. */
export function spanOf({ qubits, controls }: Operation): [number, number] {
  const all = [...qubits, ...controls];
  return [Math.min(...all), Math.max(...all)];
}

/** What stands in an operation's box on its target `i`. */
export function labelOf({ gate, angles, pauli, controls }: Operation, i: number): string {
  if (gate === 'swap') return '×';
  if (gate === 'x' && controls.length > 0) return '⊕';
  if (gate === 'z' && controls.length > 0) return '●';
  const name =
    gate === 'pauli' ? `R${pauli![i]!}` : gate === 'sdg' ? 'S†' : gate === 'tdg' ? 'T†' : gate.toUpperCase();
  return angles.length === 0 ? name : `${name}(${angles.map(angleLabel).join(',')})`;
}

function angleLabel(angle: Angle): string {
  if (typeof angle === 'number') return String(Number(angle.toPrecision(3)));
  const { parameter, scale = 1, offset = 0 } = angle;
  const factor = scale === 1 ? '' : scale === -1 ? '-' : `${Number(scale.toPrecision(3))}·`;
  return `${factor}θ${parameter}${offset === 0 ? '' : `${offset > 0 ? '+' : ''}${Number(offset.toPrecision(3))}`}`;
}
