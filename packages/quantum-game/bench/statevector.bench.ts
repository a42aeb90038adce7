import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bench } from '@ockham/bench';
import { realAmplitudes, Simulator, transverseFieldIsing } from '@ockham/quantum-game';

/** Python with the peers of peers.py; without it only our own forms are timed. */
const python = process.env.OCKHAM_PYTHON;
const sizes = [8, 12, 16, 20];

type Peers = Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<'energy' | 'gradient' | 'value', number>>>>>
>;

export default bench({
  id: 'quantum-game/statevector',
  question: 'How fast are energy and adjoint gradient: RY + CX-linear, depth 4, TFIM, complex amplitudes?',
  against: {},
  rounds: 7,
  warmup: 2,
  prepare() {
    const variants: Record<string, () => void> = {};
    const figures: Record<string, number> = {};
    const peers =
      python === undefined
        ? undefined
        : (JSON.parse(
            execFileSync(
              python,
              [fileURLToPath(new URL('peers.py', import.meta.url)), ...sizes.map(String)],
              {
                encoding: 'utf8',
                stdio: ['ignore', 'pipe', 'ignore'],
              },
            ),
          ) as Peers);
    for (const n of sizes) {
      const circuit = realAmplitudes(n, { repetitions: 4 });
      const sum = transverseFieldIsing(n);
      const parameters = Float64Array.from({ length: circuit.parameters }, (_, i) => Math.sin(i + 1));
      const gradient = new Float64Array(circuit.parameters);
      const simulator = new Simulator(circuit);
      const energy = () => void simulator.energy(parameters, sum);
      const both = () => void simulator.evaluate(parameters, sum, gradient);
      variants[`${n} qubits, energy`] = energy;
      variants[`${n} qubits, gradient`] = both;
      if (peers === undefined) continue;
      for (const [kind, call] of [
        ['energy', energy],
        ['gradient', both],
      ] as const) {
        const ours = cpuTime(call);
        figures[`${n} qubits, ${kind}, CPU ms`] = ours;
        for (const [peer, times] of Object.entries(peers)) {
          figures[`${n} qubits, ${kind}, ${peer} CPU ms ÷ ours`] = times[n]![kind] / ours;
        }
        const worst = Math.max(...Object.values(peers).map((times) => Math.abs(times[n]!.value - simulator.energy(parameters, sum)))); // prettier-ignore
        if (worst > 1e-9) throw new Error(`statevector: the energies differ by ${worst} at ${n} qubits.`);
      }
    }
    return { variants, figures };
  },
});

/** Median CPU milliseconds of a call, measured as peers.py does. */
function cpuTime(call: () => void): number {
  const cpu = (): number => process.cpuUsage().user / 1e3;
  for (let i = 0; i < 3; i++) call();
  let start = cpu();
  call();
  const repeats = Math.max(1, Math.min(20_000, Math.floor(100 / Math.max(0.005, cpu() - start))));
  const times = Array.from({ length: 5 }, () => {
    start = cpu();
    for (let i = 0; i < repeats; i++) call();
    return (cpu() - start) / repeats;
  });
  return times.sort((a, b) => a - b)[2]!;
}
