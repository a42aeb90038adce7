import { bench, noPython } from '@ockham/bench';
import { realAmplitudes, Simulator, transverseFieldIsing } from '@ockham/quantum-game';

/** Repeats of one timed piece of work: enough that a line to the peer and back does not count. */
const repeats: Readonly<Record<number, number>> = { 8: 100, 12: 20, 16: 2, 20: 1 };
const peers = ['qulacs', 'lightning'] as const;
const kinds = ['energy', 'gradient'] as const;
const pairs = Object.keys(repeats).flatMap((n) => kinds.map((kind) => ({ n: Number(n), kind })));
const ours = (n: number, kind: string): string => `${n} qubits, ${kind} × ${repeats[n]}`;
const theirs = (n: number, kind: string, peer: string): string => `${ours(n, kind)}, ${peer}`;

export default bench({
  id: 'quantum-game/statevector',
  question:
    'How fast are energy and adjoint gradient: RY + CX-linear, depth 4, TFIM, complex amplitudes, one thread?',
  rounds: 7,
  warmup: 2,
  ownEngines: true,
  against: Object.fromEntries(
    pairs.map(({ n, kind }) => [
      ours(n, kind),
      Object.fromEntries(peers.map((peer) => [theirs(n, kind, peer), n === 20 ? 1.3 : 2])),
    ]),
  ),
  async prepare({ smoke, python }) {
    const sizes = Object.keys(repeats).map(Number).filter((n) => !smoke || n <= 12); // prettier-ignore
    const mine = sizes.map((n) => {
      const circuit = realAmplitudes(n, { repetitions: 4 });
      const sum = transverseFieldIsing(n);
      const parameters = Float64Array.from({ length: circuit.parameters }, (_, i) => Math.sin(i + 1));
      const gradient = new Float64Array(circuit.parameters);
      const simulator = new Simulator(circuit);
      return {
        n,
        energy: () => simulator.energy(parameters, sum),
        gradient: () => simulator.evaluate(parameters, sum, gradient).value,
      };
    });
    const peer = await python(
      new URL('statevector_peer.py', import.meta.url),
      mine.map(({ n, energy }) => `${n}=${energy()}`),
    );
    const variants: Record<string, () => void | Promise<void>> = {};
    const skipped: Record<string, string> = {};
    for (const { n, kind } of pairs) {
      const own = mine.find((one) => one.n === n);
      if (own === undefined) skipped[ours(n, kind)] = 'a trial leaves out what takes long';
      else {
        variants[ours(n, kind)] = () => {
          for (let i = 0; i < repeats[n]!; i++) own[kind]();
        };
      }
      for (const name of peers) {
        if (peer && own)
          variants[theirs(n, kind, name)] = () => peer.run(`${name} ${n} ${kind} ${repeats[n]}`);
        else skipped[theirs(n, kind, name)] = peer ? 'a trial leaves out what takes long' : noPython;
      }
    }
    return { variants, skipped, versions: peer?.versions ?? {} };
  },
});
