import { ArgumentError, DataError } from '@ockham/core';
import { parseJson as parseSound } from '@ockham/core/files';
import { PauliSum } from './pauli-sum.ts';

/** How a molecule's electrons were written on qubits. */
export type Mapping = 'jordan-wigner' | 'parity-2q-reduced' | 'jordan-wigner-tapered';

/** A molecule's Hamiltonian as a file gives it. */
export interface Molecule {
  /** As the file gives it. */
  readonly name: string;
  /** Electronic, in hartree, without the nuclear repulsion. */
  readonly hamiltonian: PauliSum;
  /** In hartree; add it to an electronic energy for the total one. */
  readonly nuclearRepulsion: number;
  /** From orbitals to qubits, where the file states it. */
  readonly mapping: Mapping | undefined;
  /** Bit q is the value of qubit q in the Hartree–Fock state. */
  readonly hartreeFock: number | undefined;
  /** Number of electrons in the active space, where the file states it. */
  readonly electrons: number | undefined;
  /** Number of spatial orbitals in the active space, where the file states it. */
  readonly orbitals: number | undefined;
  /** The lowest eigenvalues of the whole operator, with multiplicity, where the file states them. */
  readonly eigenvalues: readonly number[] | undefined;
}

const MAPPINGS: readonly string[] = ['jordan-wigner', 'parity-2q-reduced', 'jordan-wigner-tapered'];

/**
 * Reads a Hamiltonian in JSON: `{ "nQubits": 2, "terms": [{ "pauli": "ZZ", "coeff": -1 }, …] }`, character q of
 * `pauli` for qubit q; the other fields of the bundled molecules are read where present.
 *
 * @throws DataError `corrupt-file`, naming the line, where the text is not that.
 */
export function parseMolecule(text: string, name = 'molecule'): Molecule {
  const file = parseJson(text, name);
  const { nQubits, terms } = file;
  if (!Array.isArray(terms) || terms.length === 0) {
    throw refuse(name, lineOf(text, '"terms"', 0), 'terms must be a list of at least one { pauli, coeff }');
  }
  if (nQubits !== undefined && !Number.isSafeInteger(nQubits)) {
    throw refuse(name, lineOf(text, '"nQubits"', 0), `nQubits must be a whole number, got ${brief(nQubits)}`);
  }
  const first = (terms[0] as { readonly pauli?: unknown } | null)?.pauli;
  const qubits = (nQubits as number | undefined) ?? (typeof first === 'string' ? first.length : 0);
  if (qubits < 1 || qubits > 30) {
    throw refuse(
      name,
      lineOf(text, nQubits === undefined ? '"pauli"' : '"nQubits"', 0),
      `a Hamiltonian has 1 to 30 qubits, one letter of pauli for each, got ${qubits}`,
    );
  }
  const parsed = terms.map((term: unknown, i) => {
    const { pauli, coeff } = (term ?? {}) as { readonly pauli?: unknown; readonly coeff?: unknown };
    if (typeof pauli !== 'string' || pauli.length !== qubits || !/^[IXYZ]+$/.test(pauli)) {
      throw refuse(
        name,
        lineOf(text, '"pauli"', i),
        `term ${i} needs a pauli of ${qubits} letters I, X, Y, Z, got ${brief(pauli)}`,
      );
    }
    if (typeof coeff !== 'number' || !Number.isFinite(coeff)) {
      throw refuse(
        name,
        lineOf(text, '"pauli"', i),
        `term ${i}, ${pauli}, needs a finite real coeff, got ${brief(coeff)}`,
      );
    }
    return { pauli, coefficient: coeff };
  });
  const number = (key: string): number | undefined => (typeof file[key] === 'number' ? file[key] : undefined);
  const active = (file['activeSpace'] ?? {}) as { readonly electrons?: unknown; readonly orbitals?: unknown };
  const count = (value: unknown): number | undefined =>
    Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
  const { eigenvalues } = file;
  const bits = file['hartreeFockBits'];
  return {
    name: typeof file['name'] === 'string' ? file['name'] : name,
    hamiltonian: PauliSum.from(parsed),
    nuclearRepulsion: number('nuclearRepulsion') ?? 0,
    mapping: MAPPINGS.includes(file['mapping'] as string) ? (file['mapping'] as Mapping) : undefined,
    hartreeFock:
      typeof bits === 'string' && bits.length === qubits
        ? Array.from(bits).reduce((mask, bit, q) => mask | (bit === '1' ? 1 << q : 0), 0)
        : undefined,
    electrons: count(active.electrons),
    orbitals: count(active.orbitals),
    eigenvalues:
      Array.isArray(eigenvalues) && eigenvalues.every((value) => Number.isFinite(value))
        ? (eigenvalues as number[])
        : undefined,
  };
}

/** The JSON of a sum, in the format that {@link parseMolecule} reads. */
export function formatHamiltonian(sum: PauliSum): string {
  if (!sum.hermitian) {
    throw new ArgumentError(
      'formatHamiltonian: the sum must be Hermitian; the format has real coefficients only.',
    );
  }
  const terms = sum.terms.map(
    ({ pauli, coefficient }) => `  ${JSON.stringify({ pauli, coeff: coefficient })}`,
  );
  return `{\n "nQubits": ${sum.qubits},\n "terms": [\n${terms.join(',\n')}\n ]\n}\n`;
}

function parseJson(text: string, name: string): Record<string, unknown> {
  try {
    const file: unknown = JSON.parse(text);
    if (typeof file === 'object' && file !== null)
      return parseSound(text, `parseMolecule: ${name}`) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof DataError) throw error;
    const message = (error as Error).message;
    const position = /position (\d+)/.exec(message)?.[1];
    const line =
      position === undefined ? text.split('\n').length : text.slice(0, Number(position)).split('\n').length;
    throw refuse(name, line, message);
  }
  throw refuse(name, 1, 'the file must hold an object');
}

/** The line of the occurrence `index` of `key`. */
function lineOf(text: string, key: string, index: number): number {
  let at = -1;
  for (let i = 0; i <= index; i++) {
    const next = text.indexOf(key, at + 1);
    if (next < 0) break;
    at = next;
  }
  return text.slice(0, Math.max(0, at)).split('\n').length;
}

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 200);
}

function refuse(name: string, line: number, problem: string): DataError {
  return new DataError('corrupt-file', `parseMolecule: ${name}, line ${line}: ${problem}.`);
}
