import type { PackagePapers } from '@ockham/reproduce';
import { paper } from '@ockham/reproduce';

const declared: PackagePapers = {
  effect: 'none needed: excited states of molecules, on a statevector simulator',
  headline: {
    figure: 'quantum-game/figure-3#figure-3',
    claim: 'QuantumGame needs fewer calls than VQD with β = 33',
    say: 'three levels of H2, calls of the objective: {ours}',
  },
  papers: [
    paper({
      title: 'QuantumGame: A Game-Theoretic Approach to Excited State Computation on Quantum Computers',
      prints: {
        'Figure 1': 'the loop of quantum expectations and a classical optimiser',
        'Figure 2': 'the circuit for mixed energies',
        'Figure 3': 'convergence of QuantumGame and VQD against calls of the objective',
      },
      answers: {
        'Figure 1': {
          notTestable:
            'A drawing; nothing is measured. The loop is built, and finds the levels of H2 in tests.',
          tests: ['packages/quantum-game/test/quantum-game.test.ts'],
        },
        'Figure 2': {
          figures: ['quantum-game/resources#resources'],
          note: 'a circuit; what it computes is held by packages/quantum-game/test/measurement.test.ts, here is what it costs',
        },
        'Figure 3': {
          figures: ['quantum-game/figure-3#figure-3', 'quantum-game/figure-3#figure-3-penalties'],
        },
      },
    }),
  ],
};

export default declared;
