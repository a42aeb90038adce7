import { bench } from '@ockham/bench';
import { hydrogen, quantumGame, realAmplitudes, vqe, lbfgs } from '@ockham/quantum-game';

const exact = -1.8572750302023806;
const circuit = realAmplitudes(4, { repetitions: 2 });
const start = Float64Array.from({ length: circuit.parameters }, (_, i) => 0.3 * Math.sin(2 * i + 1));
const solve = () =>
  vqe(hydrogen({ qubits: 4 }), circuit, {
    seed: 1,
    starts: [start],
    optimizer: lbfgs({ gradientTolerance: 1e-7 }),
  });

export default bench({
  id: 'quantum-game/hydrogen',
  question:
    'How long does H2 take from Hamiltonian to levels: VQE on four qubits to 1e-12, three levels on two?',
  against: {},
  prepare() {
    const { levels, ledger } = solve();
    return {
      variants: {
        'VQE, four qubits': () => void solve(),
        'QuantumGame, two qubits, three levels': () =>
          void quantumGame(hydrogen(), realAmplitudes(2), 3, { seed: 7 }),
      },
      figures: {
        'error, 1e-15 hartree': Math.abs(levels[0]!.energy - exact) * 1e15,
        calls: ledger.gradientCalls,
      },
    };
  },
});
