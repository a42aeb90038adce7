import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { lowestLevels, parseMolecule, uccsd, vqe, Simulator, type Molecule } from '@ockham/quantum-game';
import { describe, expect, it } from 'vitest';

const given = process.env.OCKHAM_DATA ?? '';
const folder = [resolve(given, 'molecules'), resolve('../..', given, 'molecules')].find((path) =>
  existsSync(resolve(path, 'index.json')),
);

function molecule(name: string): Molecule {
  return parseMolecule(readFileSync(resolve(folder!, `${name}.json`), 'utf8'), name);
}

describe.skipIf(given === '' || folder === undefined)('the molecules of OCKHAM_DATA', () => {
  it('have the eigenvalues that their files state, to 1e-10', () => {
    const index = JSON.parse(readFileSync(resolve(folder!, 'index.json'), 'utf8')) as {
      readonly hamiltonians: readonly { readonly name: string; readonly nQubits: number }[];
    };
    // 9 qubits and more take minutes: the experiment on accuracy has them
    for (const { name } of index.hamiltonians.filter(({ nQubits }) => nQubits <= 7)) {
      const { hamiltonian, eigenvalues } = molecule(name);
      const { values } = lowestLevels(hamiltonian, eigenvalues!.length);
      values.forEach((value, i) => expect(Math.abs(value - eigenvalues![i]!), name).toBeLessThan(1e-10));
    }
  });

  it.each([
    'h2_r0735_jw_4q',
    'h2_r0735_parity_2q',
    'hehp_r0900_parity_2q',
    'lih_cas2e3o_parity_4q',
    'lih_cas2e3o_jw_6q',
  ])('UCCSD is exact for the two electrons of %s', (name) => {
    const file = molecule(name);
    const circuit = uccsd(file);
    const zero = new Float64Array(circuit.parameters);
    const sector = JSON.parse(readFileSync(resolve(folder!, `${name}.json`), 'utf8')) as {
      readonly hartreeFockExpectation: number;
      readonly targetSector: { readonly eigenvalues: readonly number[] };
    };
    expect(new Simulator(circuit).energy(zero, file.hamiltonian)).toBeCloseTo(
      sector.hartreeFockExpectation,
      10,
    );
    const { levels } = vqe(file.hamiltonian, circuit, { seed: 1, starts: [zero] });
    expect(levels[0]!.energy).toBeCloseTo(sector.targetSector.eigenvalues[0]!, 8);
  });

  it('UCCSD gives one energy for a Jordan–Wigner file and its parity file', () => {
    const [a, b] = ['h4_chain_r1000_jw_8q', 'h4_chain_r1000_parity_6q'].map((name) => molecule(name));
    const circuits = [uccsd(a!), uccsd(b!)];
    const parameters = Float64Array.from(
      { length: circuits[0]!.parameters },
      (_, i) => 0.1 * Math.sin(i + 1),
    );
    const energies = [a!, b!].map(({ hamiltonian }, i) =>
      new Simulator(circuits[i]!).energy(parameters, hamiltonian),
    );
    expect(energies[0]).toBeCloseTo(energies[1]!, 10);
  });

  it('UCCSD refuses a tapered file with the reason', () => {
    expect(() => uccsd(molecule('h4_chain_r1000_tapered_5q'))).toThrow('is tapered');
  });
});
