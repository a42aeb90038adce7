import { hydrogen, quantumGame, realAmplitudes, Simulator, transverseFieldIsing } from '@ockham/quantum-game';
import { expect, it } from 'vitest';
import node from './fixtures/browser.json' with { type: 'json' };

it('gives the numbers in a browser that it gives in Node', () => {
  const { levels, ledger } = quantumGame(hydrogen(), realAmplitudes(2), 3, { seed: 7 });
  levels.forEach(({ energy }, i) => expect(energy).toBeCloseTo(node.energies[i]!, 13)); // engines differ in the last bit of cos
  expect(ledger.gradientCalls).toBe(node.calls);
  const circuit = realAmplitudes(14);
  const simulator = new Simulator(circuit);
  expect(simulator.engine).toBe('kernels');
  const parameters = Float64Array.from({ length: circuit.parameters }, (_, i) => i / 7);
  expect(simulator.energy(parameters, transverseFieldIsing(14))).toBeCloseTo(node.ising, 11);
});
