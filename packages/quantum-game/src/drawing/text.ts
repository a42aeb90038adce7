import type { Circuit } from '../circuit/circuit.ts';
import { labelOf, spanOf, toColumns } from './columns.ts';

/**
 * The circuit in box-drawing characters, one line for each qubit and one between.
 *
 * @example
 * drawText(new Circuit(2).h(0).cx(0, 1));
 * // q0: ─H─●─
 * //        │
 * // q1: ───⊕─
 */
export function drawText(circuit: Circuit): string {
  const head = `q${circuit.qubits - 1}: `.length;
  const wires = Array.from({ length: circuit.qubits }, (_, q) => `q${q}: `.padEnd(head));
  const gaps = wires.map(() => ' '.repeat(head));
  for (const column of toColumns(circuit)) {
    const cells = new Map<number, string>();
    const lines = new Set<number>();
    const crossed = new Set<number>();
    for (const operation of column) {
      operation.qubits.forEach((q, i) => cells.set(q, labelOf(operation, i)));
      for (const q of operation.controls) cells.set(q, '●');
      const [top, bottom] = spanOf(operation);
      for (let q = top; q < bottom; q++) lines.add(q);
      for (let q = top; q <= bottom; q++) if (!cells.has(q)) crossed.add(q);
    }
    const width = Math.max(...[...cells.values()].map((cell) => cell.length));
    for (let q = 0; q < circuit.qubits; q++) {
      wires[q] = `${wires[q]!}─${centred(cells.get(q) ?? (crossed.has(q) ? '┼' : ''), width, '─')}`;
      gaps[q] = `${gaps[q]!} ${centred(lines.has(q) ? '│' : '', width, ' ')}`;
    }
  }
  return wires
    .flatMap((wire, q) => [`${wire}─`, ...(q < circuit.qubits - 1 ? [gaps[q]!.trimEnd()] : [])])
    .join('\n');
}

function centred(cell: string, width: number, fill: string): string {
  const left = Math.floor((width - cell.length) / 2);
  return fill.repeat(left) + cell + fill.repeat(width - cell.length - left);
}
