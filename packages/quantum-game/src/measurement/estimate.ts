import { ArgumentError } from '@ockham/core';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import { Circuit } from '../circuit/circuit.ts';
import { commutingGroups, type CommutingGroup } from '../hamiltonian/commuting-groups.ts';
import { checkHermitian, type PauliSum } from '../hamiltonian/pauli-sum.ts';
import { parity } from '../simulator/parity.ts';
import { Simulator } from '../simulator/simulator.ts';
import { checkNoise, misread, noisyTrajectory, type Noise } from './noise.ts';
import { checkShots, sample } from './sample.ts';

/** Options of {@link estimate}. */
export interface EstimateOptions {
  /** Fixes what the measurements give. */
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
  /** The mean. */
  readonly value: number;
  /** Of `value`, from the spread of the measurements. */
  readonly standardError: number;
  /** Measurements in all. */
  readonly shots: number;
  /** Different circuits that were run: commuting groups, times random circuits where gates are noisy. */
  readonly circuits: number;
}

/** What every measurement of a circuit takes. */
export interface Shots {
  readonly shots: number;
  readonly noise: Noise;
  readonly trajectories: number;
}

/**
 * ⟨H⟩ of a circuit's state as a device would measure it: one setting for each set of terms that commute qubit by qubit.
 *
 * @param circuit Without parameters; see `Circuit.bind`.
 * @throws ArgumentError for a circuit with parameters or of another size, or an option out of range.
 */
export function estimate(circuit: Circuit, hamiltonian: PauliSum, options: EstimateOptions): Estimate {
  const measured = resolveShots('estimate', options);
  checkHermitian('estimate', hamiltonian);
  if (circuit.parameters > 0 || circuit.qubits !== hamiltonian.qubits) {
    throw new ArgumentError(
      `estimate: the circuit must be bound and have the Hamiltonian's ${hamiltonian.qubits} qubits, got ${circuit.qubits} ` +
        `qubits and ${circuit.parameters} parameters. Call circuit.bind(values) first.`,
    );
  }
  const { value, variance } = estimator(circuit, hamiltonian, measured)([], toRandom(options.seed));
  const groups = commutingGroups(hamiltonian).length;
  return {
    value,
    standardError: Math.sqrt(variance),
    shots: measured.shots * groups,
    circuits: measured.trajectories * groups,
  };
}

/** @throws ArgumentError for shots, noise or trajectories out of range. */
export function resolveShots(who: string, options: Omit<EstimateOptions, 'seed'>): Shots {
  const { shots = 1_000, noise = {} } = options;
  checkShots(who, shots);
  checkNoise(who, noise);
  const { trajectories = hasGateNoise(noise) ? Math.min(100, shots) : 1 } = options;
  if (!(Number.isSafeInteger(trajectories) && trajectories >= 1 && trajectories <= shots)) {
    throw new ArgumentError(
      `${who}: trajectories must be in [1, shots] = [1, ${shots}], got ${trajectories}.`,
    );
  }
  return { shots, noise, trajectories };
}

/** A mean over measurements with the variance of that mean. */
export interface Measured {
  readonly value: number;
  readonly variance: number;
}

/** {@link estimate} made ready for one circuit, whose parameters come with each call. */
export function estimator(
  circuit: Circuit,
  hamiltonian: PauliSum,
  options: Shots,
): (parameters: ArrayLike<number>, random: Random) => Measured {
  const { shots, noise } = options;
  const groups = commutingGroups(hamiltonian).map((group) => ({
    group,
    draw: sampler(withBasis(circuit, group), options),
  }));
  return (parameters, random) => {
    let value = hamiltonian.constant;
    let variance = 0;
    for (const [g, { group, draw }] of groups.entries()) {
      const stream = random.stream(`group ${g}`);
      let [sum, squares] = [0, 0];
      draw(parameters, stream, (bits) => {
        const x = outcome(hamiltonian, group, misread(bits, circuit.qubits, noise.readout ?? 0, stream));
        sum += x;
        squares += x * x;
      });
      const mean = sum / shots;
      value += mean;
      variance += Math.max(0, squares / shots - mean * mean) / Math.max(1, shots - 1);
    }
    return { value, variance };
  };
}

/** The measured probability of 0…0 of a circuit whose parameters come with each call. */
export function zeroEstimator(
  circuit: Circuit,
  options: Shots,
): (parameters: ArrayLike<number>, random: Random) => Measured {
  const draw = sampler(circuit, options);
  const { shots, noise } = options;
  return (parameters, random) => {
    let zeros = 0;
    draw(parameters, random, (bits) => {
      if (misread(bits, circuit.qubits, noise.readout ?? 0, random) === 0) zeros++;
    });
    const value = zeros / shots;
    return { value, variance: (value * (1 - value)) / Math.max(1, shots - 1) };
  };
}

/** Runs a circuit with its noise and hands on what each shot gives, before errors of the readout. */
function sampler(
  circuit: Circuit,
  { shots, noise, trajectories }: Shots,
): (parameters: ArrayLike<number>, random: Random, take: (bits: number) => void) => void {
  const noisy = hasGateNoise(noise);
  const engine = circuit.qubits <= SMALL_QUBITS ? 'plain' : 'auto';
  const simulator = noisy ? undefined : new Simulator(circuit, { engine });
  return (parameters, random, take) => {
    for (let t = 0; t < trajectories; t++) {
      const share = Math.floor(((t + 1) * shots) / trajectories) - Math.floor((t * shots) / trajectories);
      const state =
        simulator?.run(parameters) ??
        new Simulator(noisyTrajectory(circuit.bind(parameters), noise, random), { engine }).run([]);
      for (const bits of sample(state, share, random)) take(bits);
    }
  };
}

/** Up to here a WebAssembly memory for each circuit costs more than it saves. */
const SMALL_QUBITS = 6;

function hasGateNoise({ oneQubit = 0, twoQubit = 0 }: Noise): boolean {
  return oneQubit > 0 || twoQubit > 0;
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
