/** FedAvg (McMahan et al. 2017) and FedProx (Li et al. 2020): T local steps on the rows of a client, then the mean. */
import { denseWorker, type Method } from './method.ts';
import { clientDescent, meanOf, rowClient, worstSmoothness } from './row-clients.ts';

function averaging(proximal: boolean): Method {
  // FedProx's μ: by default a tenth of the smoothness
  const weightOf = (own: number, smoothness: number): number => (proximal ? own || 0.1 * smoothness : 0);
  return {
    masked: false,
    defaultRate({ system, workers, proximal: own }) {
      const smoothness = worstSmoothness(system, workers);
      return 1 / (smoothness + weightOf(own, smoothness));
    },
    coordinator({ start }) {
      const x = start.slice();
      return { x, down: () => x, apply: (_, ups) => x.set(meanOf(ups)) };
    },
    worker({ system, workers, localSteps, eta, proximal: own }, index) {
      const client = rowClient(system, workers, index);
      const weight = weightOf(own, proximal ? worstSmoothness(system, workers) : 0);
      return denseWorker(system.d, 1, 1, (k, _, x) =>
        clientDescent(client, x, { localSteps, eta: eta(k), weight }),
      );
    },
  };
}

export const fedAvg: Method = averaging(false);
export const fedProx: Method = averaging(true);
