import { Circuit, parameter, PauliSum } from '@ockham/quantum-game';
import type { Random } from '@ockham/core/random';

/** A circuit of every gate on random qubits, with parameters in half of the angles. */
export function randomCircuit(random: Random, qubits: number, gates: number): Circuit {
  const circuit = new Circuit(qubits);
  let next = 0;
  const angle = () =>
    random.uniform() < 0.5
      ? random.uniform(-3, 3)
      : parameter(next++ % 7, { scale: random.uniform(-2, 2), offset: random.uniform() });
  const fixed = ['h', 'x', 'y', 'z', 's', 'sdg', 't', 'tdg'] as const;
  for (let i = 0; i < gates; i++) {
    const order = random.permutation(qubits);
    const [a, b] = [order[0]!, order[1] ?? 0];
    const kinds = qubits > 2 ? 13 : qubits > 1 ? 11 : 5;
    switch (random.integer(kinds)) {
      case 0:
        circuit[fixed[random.integer(8)]!](a);
        break;
      case 1:
        circuit.rx(angle(), a);
        break;
      case 2:
        circuit.rz(angle(), a).ry(angle(), a);
        break;
      case 3:
        circuit.p(angle(), a);
        break;
      case 4:
        circuit.u3(angle(), angle(), angle(), a);
        break;
      case 5:
        circuit.ry(angle(), b).cx(a, b);
        break;
      case 6:
        circuit.cz(a, b);
        break;
      case 7:
        circuit.swap(a, b);
        break;
      case 8:
        circuit.cu(angle(), angle(), angle(), a, b);
        break;
      case 9:
        circuit.pauliRotation(['XY', 'YY', 'ZZ', 'ZX'][random.integer(4)]!, angle(), [a, b]);
        break;
      case 10:
        circuit.add({ gate: 'ry', qubits: [a], controls: [b], angles: [angle()] });
        break;
      case 11:
        circuit.cswap(a, b, order[2]!);
        break;
      default:
        circuit.add({ gate: 'pauli', pauli: 'YX', qubits: [a, b], controls: [order[2]!], angles: [angle()] });
    }
  }
  return circuit;
}

/** A Hermitian sum of random strings. */
export function randomSum(random: Random, qubits: number, terms: number): PauliSum {
  return PauliSum.from(
    Array.from({ length: terms }, () => ({
      pauli: Array.from({ length: qubits }, () => 'IXYZ'[random.integer(4)]).join(''),
      coefficient: random.normal(),
    })),
  );
}
