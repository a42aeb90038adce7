/**
 * Unitary coupled cluster with singles and doubles, one Trotter step: each excitation's strings commute, so that it is
 * exact in itself. Spin-up orbitals come first, then spin-down; parity files are the same circuit with relabelled states.
 */
import { ArgumentError } from '@ockham/core';
import { parameter } from '../circuit/angle.ts';
import { Circuit } from '../circuit/circuit.ts';
import type { Molecule } from '../hamiltonian/molecule.ts';
import { bits, PauliSum } from '../hamiltonian/pauli-sum.ts';
import { parity } from '../simulator/parity.ts';

/**
 * The circuit for a molecule: the Hartree–Fock state, then every single and double excitation that keeps the spins.
 *
 * @throws ArgumentError for a tapered file, whose symmetries are gone from the strings, or one without its orbitals.
 */
export function uccsd(molecule: Molecule): Circuit {
  const { mapping, orbitals, hartreeFock, hamiltonian, name } = molecule;
  if (mapping === 'jordan-wigner-tapered') {
    throw new ArgumentError(
      `uccsd: ${name} is tapered: excitations that change a fixed symmetry have no string on what is left. Use its Jordan–Wigner or parity file.`,
    );
  }
  if (mapping === undefined || orbitals === undefined || hartreeFock === undefined) {
    throw new ArgumentError(
      `uccsd: ${name} must state mapping, activeSpace.orbitals and hartreeFockBits. Use hardwareEfficient instead.`,
    );
  }
  const modes = 2 * orbitals;
  const parityMapped = mapping === 'parity-2q-reduced';
  const occupied = parityMapped ? fromParity(hartreeFock, orbitals, molecule.electrons ?? 0) : hartreeFock;
  const circuit = new Circuit(hamiltonian.qubits);
  for (let q = 0; q < hamiltonian.qubits; q++) if ((hartreeFock >>> q) & 1) circuit.x(q);
  excitations(orbitals, occupied).forEach(({ to, from }, k) => {
    // T − T† = Σ i c P, and exp(iθcP) is a rotation by −2cθ
    let operator = PauliSum.from([{ pauli: 'I'.repeat(modes), coefficient: 1 }]);
    for (const mode of to) operator = operator.product(ladder(modes, mode, -1));
    for (const mode of from) operator = operator.product(ladder(modes, mode, 1));
    for (let i = 0; i < operator.x.length; i++) {
      const c = 2 * operator.im[i]!;
      if (c === 0) continue; // T† has the same real parts
      const string = { x: operator.x[i]!, z: operator.z[i]!, sign: 1 };
      const { x, z, sign } = parityMapped ? relabelled(string, orbitals, occupied) : string;
      const qubits = Array.from({ length: hamiltonian.qubits }, (_, q) => q).filter(
        (q) => ((x | z) >>> q) & 1,
      );
      const letters = qubits.map((q) => 'XZY'[((x >>> q) & 1) === 0 ? 1 : (z >>> q) & 1 ? 2 : 0]!);
      circuit.pauliRotation(letters.join(''), parameter(k, { scale: -2 * sign * c }), qubits);
    }
  });
  return circuit;
}

interface Excitation {
  readonly to: readonly number[];
  readonly from: readonly number[];
}

function excitations(orbitals: number, occupied: number): Excitation[] {
  const modes = Array.from({ length: 2 * orbitals }, (_, mode) => mode);
  const spin = (mode: number): number => (mode < orbitals ? 0 : 1);
  const full = modes.filter((mode) => (occupied >>> mode) & 1);
  const empty = modes.filter((mode) => !((occupied >>> mode) & 1));
  const pairs = (list: readonly number[]): [number, number][] =>
    list.flatMap((a, i) => list.slice(i + 1).map((b): [number, number] => [a, b]));
  const singles = full.flatMap((i) =>
    empty.filter((a) => spin(a) === spin(i)).map((a) => ({ to: [a], from: [i] })),
  );
  const doubles = pairs(full).flatMap(([i, j]) =>
    pairs(empty)
      .filter(([a, b]) => spin(a) + spin(b) === spin(i) + spin(j))
      .map(([a, b]) => ({ to: [a, b], from: [j, i] })),
  );
  return [...singles, ...doubles];
}

/** (X + i·sign·Y)/2 on a mode, with Z on those below: sign 1 annihilates, −1 creates. */
function ladder(modes: number, mode: number, sign: number): PauliSum {
  const string = (letter: string): string => 'Z'.repeat(mode) + letter + 'I'.repeat(modes - mode - 1);
  return PauliSum.from([
    { pauli: string('X'), coefficient: 0.5 },
    { pauli: string('Y'), coefficient: 0, imaginary: 0.5 * sign },
  ]);
}

/** A Jordan–Wigner string in the parity basis, without the two qubits whose parities never change. */
function relabelled(
  { x, z }: { readonly x: number; readonly z: number },
  orbitals: number,
  occupied: number,
): { x: number; z: number; sign: number } {
  const modes = 2 * orbitals;
  let [px, pz] = [0, 0];
  let running = 0;
  for (let q = 0; q < modes; q++) {
    running ^= (x >>> q) & 1;
    px |= running << q;
    // occupation q is parity q plus parity q − 1
    if ((z >>> q) & 1) pz ^= (1 << q) | (q > 0 ? 1 << (q - 1) : 0);
  }
  const turns = (bits(x & z) - bits(px & pz) + 4 * modes) % 4;
  const up = 1 << (orbitals - 1);
  const all = 1 << (modes - 1);
  let sign = turns === 2 ? -1 : 1;
  if (pz & up && parity(occupied & (2 * up - 1))) sign = -sign;
  if (pz & all && parity(occupied)) sign = -sign;
  return { x: without(px, orbitals), z: without(pz, orbitals), sign };
}

/** The mask without bits M − 1 and 2M − 1, those above moved down. */
function without(mask: number, orbitals: number): number {
  const low = mask & (2 ** (orbitals - 1) - 1);
  const high = (mask >>> orbitals) & (2 ** (orbitals - 1) - 1);
  return low | (high << (orbitals - 1));
}

/** Occupations from the reduced parity bits: half of the electrons are spin-up in a closed shell. */
function fromParity(bitsOfState: number, orbitals: number, electrons: number): number {
  const up = Math.ceil(electrons / 2);
  const below = (1 << (orbitals - 1)) - 1;
  const parities =
    (bitsOfState & below) |
    ((up & 1) << (orbitals - 1)) |
    (((bitsOfState >>> (orbitals - 1)) & below) << orbitals) |
    ((electrons & 1) << (2 * orbitals - 1));
  return (parities ^ (parities << 1)) & (2 ** (2 * orbitals) - 1);
}
