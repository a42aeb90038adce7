import { createRequire } from 'node:module';
import { bench } from '@ockham/bench';
import { realAmplitudes, Simulator, type Circuit } from '@ockham/quantum-game';

/** What is used of the npm package, which has no types. */
interface Peer {
  addGate(name: string, column: number, wires: number | readonly number[], options?: object): void;
  run(): void;
  stateAsArray(): readonly {
    readonly index: number;
    readonly amplitude: { readonly re: number; readonly im: number };
  }[];
}

const sizes = [8, 12, 16];
/** Calls in a row: one of ours is too short to be timed. */
const calls: Readonly<Record<number, number>> = { 8: 50, 12: 4, 16: 1 };
const ours = (n: number): string => `${n} qubits, state × ${calls[n]}`;
const theirs = (n: number): string => `${ours(n)}, quantum-circuit`;
const repeat = (n: number, call: () => void) => (): void => {
  for (let i = 0; i < calls[n]!; i++) call();
};

export default bench({
  id: 'quantum-game/quantum-circuit',
  question: 'How fast is a state beside npm’s quantum-circuit: RY + CX-linear, depth 4, one thread?',
  rounds: 3,
  warmup: 1,
  ownEngines: true,
  against: Object.fromEntries(sizes.map((n) => [ours(n), { [theirs(n)]: 500 }])),
  prepare({ smoke }) {
    const variants: Record<string, () => void> = {};
    const skipped: Record<string, string> = {};
    const peer = load();
    for (const n of sizes) {
      const circuit = realAmplitudes(n, { repetitions: 4 });
      const parameters = Float64Array.from({ length: circuit.parameters }, (_, i) => Math.sin(i + 1));
      const simulator = new Simulator(circuit);
      if (smoke && n > 8) {
        skipped[ours(n)] = skipped[theirs(n)] = 'a trial leaves out what takes long';
        continue;
      }
      variants[ours(n)] = repeat(n, () => void simulator.run(parameters));
      if (peer === undefined) {
        skipped[theirs(n)] = 'quantum-circuit is not installed';
        continue;
      }
      const made = translate(new peer.Quantum(n), circuit.bind(parameters));
      if (n === 8) {
        made.run();
        compare(made, simulator.run(parameters).slice(), n);
      }
      variants[theirs(n)] = repeat(n, () => made.run());
    }
    return { variants, skipped, versions: peer ? { 'quantum-circuit': peer.version } : {} };
  },
});

function load(): { readonly Quantum: new (qubits: number) => Peer; readonly version: string } | undefined {
  const require = createRequire(import.meta.url);
  try {
    const found = require('quantum-circuit') as { QuantumCircuit?: new (qubits: number) => Peer };
    const { version } = require('quantum-circuit/package.json') as { readonly version: string };
    return { Quantum: found.QuantumCircuit ?? (found as unknown as new (qubits: number) => Peer), version };
  } catch {
    return undefined;
  }
}

function translate(peer: Peer, circuit: Circuit): Peer {
  for (const { gate, qubits, controls, angles } of circuit.operations) {
    if (gate === 'ry') peer.addGate('ry', -1, qubits[0]!, { params: { theta: angles[0] } });
    else peer.addGate('cx', -1, [controls[0]!, qubits[0]!]);
  }
  return peer;
}

/** Energies by both must agree, or the comparison means nothing; qubit 0 is its least significant bit or its most. */
function compare(peer: Peer, state: Float64Array, qubits: number): void {
  const norms = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
  const size = 2 ** qubits;
  const left = norms(Array.from({ length: size }, (_, i) => Math.hypot(state[2 * i]!, state[2 * i + 1]!)));
  const right = new Array<number>(size).fill(0);
  for (const { index, amplitude } of peer.stateAsArray())
    right[index] = Math.hypot(amplitude.re, amplitude.im);
  const worst = Math.max(...norms(right).map((value, i) => Math.abs(value - left[i]!)));
  if (worst > 1e-6) throw new Error(`quantum-circuit: the states differ by ${worst}.`);
}
