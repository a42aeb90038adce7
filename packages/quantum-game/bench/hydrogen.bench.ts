import { bench, noPython } from '@ockham/bench';
import { hydrogen, lbfgs, quantumGame, realAmplitudes, vqe } from '@ockham/quantum-game';

const exact = -1.8572750302023806;
const start = Float64Array.from({ length: 12 }, (_, i) => 0.3 * Math.sin(2 * i + 1));
const ours = 'VQE, four qubits';
const peers = ['qulacs', 'lightning'] as const;

function solve(): number {
  const circuit = realAmplitudes(4, { repetitions: 2 });
  const optimizer = lbfgs({ gradientTolerance: 1e-7 });
  const { levels } = vqe(hydrogen({ qubits: 4 }), circuit, {
    seed: 1,
    starts: [start],
    optimizer,
    probes: 0,
  });
  return levels[0]!.energy;
}

export default bench({
  id: 'quantum-game/hydrogen',
  question:
    'How long does H2 take from Hamiltonian to levels: VQE on four qubits to 1e-12, three levels on two?',
  rounds: 15,
  warmup: 5,
  ownEngines: true,
  against: { [ours]: Object.fromEntries(peers.map((peer) => [`${ours}, ${peer}`, 1])) },
  async prepare({ python }) {
    const error = Math.abs(solve() - exact);
    if (error > 1e-12)
      throw new Error(`hydrogen: the energy must be right to 1e-12, got an error of ${error}.`);
    const { terms } = hydrogen({ qubits: 4 });
    const peer = await python(new URL('hydrogen_peer.py', import.meta.url), [
      JSON.stringify(terms),
      JSON.stringify([...start]),
      String(exact),
    ]);
    return {
      variants: {
        [ours]: () => void solve(),
        'QuantumGame, two qubits, three levels': () =>
          void quantumGame(hydrogen(), realAmplitudes(2), 3, { seed: 7 }),
        ...(peer && Object.fromEntries(peers.map((name) => [`${ours}, ${name}`, () => peer.run(name)]))),
      },
      skipped: peer ? {} : Object.fromEntries(peers.map((name) => [`${ours}, ${name}`, noPython])),
      versions: peer?.versions ?? {},
      figures: { 'error, 1e-15 hartree': error * 1e15 },
    };
  },
});
