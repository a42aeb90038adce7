import { ArgumentError } from '@ockham/core';
import { toRandom, type Seed } from '@ockham/core/random';
import { Circuit } from '../circuit/circuit.ts';
import { commutingGroups, type CommutingGroup } from '../hamiltonian/commuting-groups.ts';
import { checkHermitian, type PauliSum } from '../hamiltonian/pauli-sum.ts';
import { parity } from '../simulator/parity.ts';
import { Simulator } from '../simulator/simulator.ts';
import { checkNoise, misread, noisyTrajectory, type Noise } from './noise.ts';
import { checkShots, sample } from './sample.ts';

/** Options of {@link estimate}. */
export interface EstimateOptions {
  readonly seed: Seed;
  /** Measurements for each commuting group. Default 1,000. */
  readonly shots?: number;
  /** Default none. */
  readonly noise?: Noise;
  /** Random circuits that the shots of a group are shared among. Default 1 without gate noise, else 100. */
  readonly trajectories?: number;
}

/** A mean over measurements. */
export interface Estimate {
  readonly value: number;
  /** Of `value`, from the spread of the measurements. */
  readonly standardError: number;
  readonly shots: number;
  readonly circuits: number;
}

/**
 * ⟨H⟩ of a circuit's state as a device would measure it: one setting for each set of terms that commute qubit by qubit.
 *
 * @param circuit Without parameters; see `Circuit.bind`.
 * @throws ArgumentError for a circuit with parameters or of another size, or an option out of range.
 */
export function estimate(circuit: Circuit, hamiltonian: PauliSum, options: EstimateOptions): Estimate {
  const { shots = 1_000, noise = {} } = options;
  const noisy = (noise.oneQubit ?? 0) > 0 || (noise.twoQubit ?? 0) > 0;
  const { trajectories = noisy ? Math.min(100, shots) : 1 } = options;
  checkShots('estimate', shots);
  checkNoise('estimate', noise);
  checkHermitian('estimate', hamiltonian);
  if (circuit.parameters > 0 || circuit.qubits !== hamiltonian.qubits) {
    throw new ArgumentError(
      `estimate: the circuit must be bound and have the Hamiltonian's ${hamiltonian.qubits} qubits, got ${circuit.qubits} ` +
        `qubits and ${circuit.parameters} parameters. Call circuit.bind(values) first.`,
    );
  }
  if (!(Number.isSafeInteger(trajectories) && trajectories >= 1 && trajectories <= shots)) {
    throw new ArgumentError(
      `estimate: trajectories must be in [1, shots] = [1, ${shots}], got ${trajectories}.`,
    );
  }
  const random = toRandom(options.seed);
  const groups = commutingGroups(hamiltonian);
  let value = hamiltonian.constant;
  let variance = 0;
  for (const [g, group] of groups.entries()) {
    const stream = random.stream(`group ${g}`);
    const measured = withBasis(circuit, group);
    let [sum, squares] = [0, 0];
    for (let t = 0; t < trajectories; t++) {
      const share = Math.floor(((t + 1) * shots) / trajectories) - Math.floor((t * shots) / trajectories);
      const state = new Simulator(noisy ? noisyTrajectory(measured, noise, stream) : measured).run([]);
      for (const bits of sample(state, share, stream)) {
        const read = misread(bits, circuit.qubits, noise.readout ?? 0, stream);
        const x = outcome(hamiltonian, group, read);
        sum += x;
        squares += x * x;
      }
    }
    const mean = sum / shots;
    value += mean;
    variance += Math.max(0, squares / shots - mean * mean) / Math.max(1, shots - 1);
  }
  return {
    value,
    standardError: Math.sqrt(variance),
    shots: shots * groups.length,
    circuits: trajectories * groups.length,
  };
}

/** The circuit with the change of basis after which the group's terms are diagonal. */
function withBasis(circuit: Circuit, { x, z }: CommutingGroup): Circuit {
  const made = new Circuit(circuit.qubits).append(circuit);
  for (let q = 0; q < circuit.qubits; q++) {
    if (!((x >>> q) & 1)) continue;
    if ((z >>> q) & 1) made.sdg(q);
    made.h(q);
  }
  return made;
}

function outcome(sum: PauliSum, { terms }: CommutingGroup, bits: number): number {
  let value = 0;
  for (const i of terms) value += parity(bits & (sum.x[i]! | sum.z[i]!)) ? -sum.re[i]! : sum.re[i]!;
  return value;
}
