import { Random } from '@ockham/core/random';
import {
  ancillaCircuit,
  commutingGroups,
  conditionalSwapCircuit,
  countResources,
  estimate,
  hardwareEfficient,
  hydrogen,
  mixedEnergy,
  PauliSum,
  realAmplitudes,
  Simulator,
  swapTestCircuit,
  uncomputeCircuit,
  type Circuit,
  type MeasuredCircuit,
  xGroups,
} from '@ockham/quantum-game';
import { barsOverSeeds, claim, experiment, inEveryRow, where, type Row } from '@ockham/reproduce';

interface Config {
  /** Pairs of random states of each seed. */
  readonly pairs: number;
  readonly shots: number;
}

interface ResourceRow extends Row {
  readonly molecule: string;
  readonly circuit: string;
  /** What it measures of |φ⟩ and |ψ⟩. */
  readonly measures: string;
  readonly qubits: number;
  /** Layers of the gates as drawn. */
  readonly depth: number;
  /** Layers once every gate is made of CX and gates on one qubit. */
  readonly compiledDepth: number;
  readonly cx: number;
  /** Circuits for one value: measurement settings, Re and Im. */
  readonly settings: number;
  /** Settings where terms share their X-mask, as the simulator sums them. */
  readonly xMasks: number;
  /** Root mean square error of the value with `shots` for each setting. */
  readonly error: number;
  /** Largest error of the exact expectation. */
  readonly exactError: number;
}

const molecules = {
  'H2, 2 qubits': { hamiltonian: hydrogen(), ansatz: hardwareEfficient(2) },
  'H2, 4 qubits': {
    hamiltonian: hydrogen({ qubits: 4 }),
    ansatz: realAmplitudes(4, { repetitions: 2 }),
  },
};

export default experiment<Config, ResourceRow, never>({
  id: 'quantum-game/resources',
  paper: 'Sections 3.3, 5 and 6: quantum resources of the circuits for mixed energies and overlaps',
  datasets: [],
  scales: {
    smoke: { seeds: 1, config: { pairs: 3, shots: 200 } },
    standard: { seeds: 3, config: { pairs: 10, shots: 1_000 } },
    paper: { seeds: 5, config: { pairs: 40, shots: 1_000 } },
  },
  why: {
    pairs: 'pairs of states with random angles; depth and CX do not depend on them',
    shots: 'for each setting; the error falls with their root',
  },
  differences: [
    'The paper prints no figures of cost. Compiled to CX and gates on one qubit: a controlled rotation takes 2 CX, a Toffoli 6, a conditional SWAP 8, with layers to match; a larger count of controls follows Barenco et al. 1995.',
    'Two qubits: RY-RZ-CZ with one repetition; four: RealAmplitudes with two. cSWAP is the conditional-SWAP circuit with H on one or both registers, uncompute is compute–uncompute.',
    'The conditional-SWAP circuit does not give the mixed energy: with H on one register Re(⟨ψ|H|φ⟩⟨φ|ψ⟩), with H on both |⟨φ|H|ψ⟩|².',
  ],
  run({ config, seed }) {
    return Object.entries(molecules).flatMap(([molecule, { hamiltonian, ansatz }]) => {
      const random = new Random(seed).stream(molecule);
      const bound = (): Circuit =>
        ansatz.bind(Array.from({ length: ansatz.parameters }, () => random.uniform(-Math.PI, Math.PI)));
      const pairs = Array.from({ length: config.pairs }, () => [bound(), bound()] as const);
      return kinds(hamiltonian).map(({ circuit, measures, make, exact }): ResourceRow => {
        const errors: number[] = [];
        let exactError = 0;
        pairs.forEach(([phi, psi], p) => {
          const made = make(phi, psi);
          const value = new Simulator(made.circuit).energy([], made.observable);
          const wanted = exact(phi, psi);
          exactError = Math.max(exactError, Math.abs(value - wanted));
          const measured = estimate(made.circuit, made.observable, { shots: config.shots, seed: random.stream(`shots ${circuit} ${p}`) }); // prettier-ignore
          errors.push(measured.value - wanted);
        });
        const { circuit: drawn, observable } = make(...pairs[0]!);
        const parts = circuit.startsWith('ancilla') ? 2 : 1;
        return {
          seed,
          molecule,
          circuit,
          measures,
          qubits: drawn.qubits,
          depth: countResources(drawn).depth,
          ...compiled(drawn),
          settings: parts * commutingGroups(observable).length,
          xMasks: xGroups(observable).length,
          error: Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length),
          exactError,
        };
      });
    });
  },
  figures: [
    {
      id: 'resources',
      title: 'Layers after compilation: mixed energies and overlaps',
      paperClaim:
        'The conditional-SWAP circuit “would have a strictly lower depth than the Compute-Uncompute method”; controlled unitaries may be difficult.',
      claims: [
        claim('the conditional-SWAP circuit is less deep than compute–uncompute, gates as drawn', {
          paper: '“strictly lower depth”',
          measure: (rows) => shallower(rows, (row) => row.depth),
        }),
        claim('the conditional-SWAP circuit is less deep than compute–uncompute once compiled', {
          paper: '“strictly lower depth”',
          measure: (rows) => shallower(rows, (row) => row.compiledDepth),
        }),
        claim('every circuit gives the number it is named for, to 1e-12', {
          paper: 'eq. 16; Section 5',
          measure: (rows) => inEveryRow(rows, (row) => row.exactError < 1e-12),
        }),
      ],
      plot: (rows) =>
        barsOverSeeds(rows, {
          title: 'Layers of CX and gates on one qubit',
          x: { field: 'circuit', title: '' },
          y: { field: 'compiledDepth', title: 'layers' },
          series: 'molecule',
        }),
    },
  ],
});

const ANCILLA = 'ancilla Re';
const ONE = 'cSWAP, 1 H';
const TWO = 'cSWAP, 2 H';
const UNCOMPUTE = 'uncompute';

interface Kind {
  readonly circuit: string;
  readonly measures: string;
  make(phi: Circuit, psi: Circuit): MeasuredCircuit;
  exact(phi: Circuit, psi: Circuit): number;
}

function kinds(hamiltonian: PauliSum): Kind[] {
  const identity = PauliSum.from([{ pauli: 'I'.repeat(hamiltonian.qubits), coefficient: 1 }]);
  const squared = ([re, im]: [number, number]): number => re * re + im * im;
  const overlap = (phi: Circuit, psi: Circuit): number => squared(mixedEnergy(identity, phi, psi));
  return [
    {
      circuit: ANCILLA,
      measures: 'Re ⟨φ|H|ψ⟩',
      make: (phi, psi) => ancillaCircuit(hamiltonian, phi, psi),
      exact: (phi, psi) => mixedEnergy(hamiltonian, phi, psi)[0],
    },
    {
      circuit: 'ancilla Im',
      measures: 'Im ⟨φ|H|ψ⟩',
      make: (phi, psi) => ancillaCircuit(hamiltonian, phi, psi, { part: 'im' }),
      exact: (phi, psi) => mixedEnergy(hamiltonian, phi, psi)[1],
    },
    {
      circuit: ONE,
      measures: 'Re(⟨ψ|H|φ⟩⟨φ|ψ⟩)',
      make: (phi, psi) => conditionalSwapCircuit(hamiltonian, phi, psi),
      exact(phi, psi) {
        const [re, im] = mixedEnergy(hamiltonian, phi, psi);
        const [or, oi] = mixedEnergy(identity, phi, psi);
        return re * or + im * oi;
      },
    },
    {
      circuit: TWO,
      measures: '|⟨φ|H|ψ⟩|²',
      make: (phi, psi) => conditionalSwapCircuit(hamiltonian, phi, psi, { registers: 2 }),
      exact: (phi, psi) => squared(mixedEnergy(hamiltonian, phi, psi)),
    },
    { circuit: 'SWAP test', measures: '|⟨φ|ψ⟩|²', make: swapTestCircuit, exact: overlap },
    {
      circuit: UNCOMPUTE,
      measures: '|⟨φ|ψ⟩|²',
      make: (phi, psi) => ({ circuit: uncomputeCircuit(phi, psi), observable: allZero(phi.qubits) }),
      exact: overlap,
    },
  ];
}

/** |0…0⟩⟨0…0| as the product of (I + Z)/2. */
function allZero(qubits: number): PauliSum {
  return PauliSum.from(
    Array.from({ length: 2 ** qubits }, (_, mask) => ({
      pauli: Array.from({ length: qubits }, (_, q) => ((mask >> q) & 1 ? 'Z' : 'I')).join(''),
      coefficient: 2 ** -qubits,
    })),
  );
}

/** CX gates and layers once every gate is made of CX and gates on one qubit. */
function compiled(circuit: Circuit): { readonly cx: number; readonly compiledDepth: number } {
  const free = new Int32Array(circuit.qubits);
  let cx = 0;
  for (const { gate, controls, qubits } of circuit.operations) {
    const touched = [...controls, ...qubits];
    const own = cxOf(gate, controls.length, qubits.length);
    cx += own;
    // a CX alone is one layer; within a larger gate each CX has a gate on one qubit beside it
    const layers = own <= 1 ? 1 : 2 * own;
    const end = Math.max(...touched.map((qubit) => free[qubit]!)) + layers;
    for (const qubit of touched) free[qubit] = end;
  }
  return { cx, compiledDepth: Math.max(...free) };
}

function cxOf(gate: string, controls: number, qubits: number): number {
  if (gate === 'swap') return controls === 0 ? 3 : 2 + cxOf('x', controls + 1, 1); // CX, controlled CX, CX
  if (gate === 'pauli') return 2 * (qubits - 1) + cxOf('rz', controls, 1);
  if (controls === 0) return 0;
  const flip = gate === 'x' || gate === 'z'; // a Z is an X between two H
  if (controls === 1) return flip ? 1 : 2;
  if (controls === 2 && flip) return 6;
  return 2 * (2 ** controls - 1) + 2 ** controls - 2; // Barenco et al. 1995, Lemma 7.1
}

function shallower(
  rows: readonly ResourceRow[],
  depth: (row: ResourceRow) => number,
): ReturnType<typeof inEveryRow> {
  const other = (row: ResourceRow) =>
    rows.find((r) => r.circuit === UNCOMPUTE && r.molecule === row.molecule)!;
  const found = inEveryRow(where(rows, { circuit: ONE }), (row) => depth(row) < depth(other(row)));
  const each = Object.keys(molecules).flatMap((molecule) => {
    const row = rows.find((r) => r.circuit === ONE && r.molecule === molecule);
    return row ? [`${molecule}: ${depth(row)} against ${depth(other(row))}`] : [];
  });
  return { ...found, ours: `${each.join('; ')} layers` };
}
