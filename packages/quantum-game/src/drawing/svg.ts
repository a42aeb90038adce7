import type { Circuit, Operation } from '../circuit/circuit.ts';
import { labelOf, spanOf, toColumns } from './columns.ts';

const ROW = 40;
const BOX = 26;
const LETTER = 7;

/** The circuit as an SVG document: the same text for the same circuit, in the colour of the page's text. */
export function drawSvg(circuit: Circuit): string {
  const columns = toColumns(circuit);
  const left = 40;
  let x = left;
  const shapes: string[] = [];
  for (const column of columns) {
    const width = Math.max(...column.map(widthOf));
    for (const operation of column) shapes.push(...drawOperation(operation, x + width / 2));
    x += width + 12;
  }
  const [width, height] = [x + 20, ROW * circuit.qubits];
  const wires = Array.from({ length: circuit.qubits }, (_, q) => [
    `<text x="6" y="${y(q) + 4}">q${q}</text>`,
    `<path d="M${left - 10} ${y(q)}H${width - 10}"/>`,
  ]).flat();
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    'font-family="sans-serif" font-size="12" fill="currentColor">' +
    `<g stroke="currentColor" stroke-width="1">${wires.filter((wire) => wire.startsWith('<path')).join('')}</g>` +
    `${wires.filter((wire) => wire.startsWith('<text')).join('')}${shapes.join('')}</svg>`
  );
}

function y(qubit: number): number {
  return ROW * qubit + ROW / 2;
}

function widthOf(operation: Operation): number {
  return Math.max(BOX, ...operation.qubits.map((_, i) => LETTER * labelOf(operation, i).length + 10));
}

function drawOperation(operation: Operation, x: number): string[] {
  const [top, bottom] = spanOf(operation);
  const shapes = top < bottom ? [`<path stroke="currentColor" d="M${x} ${y(top)}V${y(bottom)}"/>`] : [];
  for (const q of operation.controls) shapes.push(dot(x, y(q)));
  operation.qubits.forEach((q, i) => {
    const label = labelOf(operation, i);
    const at = y(q);
    if (label === '●') shapes.push(dot(x, at));
    else if (label === '⊕') {
      shapes.push(
        `<circle cx="${x}" cy="${at}" r="9" fill="none" stroke="currentColor"/><path stroke="currentColor" d="M${x - 9} ${at}h18M${x} ${at - 9}v18"/>`,
      );
    } else if (label === '×') {
      shapes.push(`<path stroke="currentColor" d="M${x - 6} ${at - 6}l12 12m0 -12l-12 12"/>`);
    } else {
      const width = widthOf(operation);
      shapes.push(
        `<rect x="${x - width / 2}" y="${at - BOX / 2}" width="${width}" height="${BOX}" rx="3" fill="white" stroke="currentColor"/>` +
          `<text x="${x}" y="${at + 4}" text-anchor="middle" fill="black">${label}</text>`,
      );
    }
  });
  return shapes;
}

function dot(x: number, at: number): string {
  return `<circle cx="${x}" cy="${at}" r="4"/>`;
}
