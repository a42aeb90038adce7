import { mesh, simulate, type SimulatedRank } from '@ockham/core/comm';
import { claim, experiment, inEveryRow, lineOverSeeds, where, type Row } from '@ockham/reproduce';
import { pipelineSchedule } from '@ockham/deepspeed-lite';

interface Config {
  readonly layers: number;
  readonly hidden: number;
  readonly length: number;
  /** Examples of one update for each rank. */
  readonly examples: readonly number[];
  readonly mesh: { readonly pipeline: number; readonly data: number; readonly tensor: number };
}

interface SpeedRow extends Row {
  readonly method: string;
  readonly examples: number;
  /** Examples a second and rank. */
  readonly speed: number;
  /** Over that of computing alone. */
  readonly efficiency: number;
}

/** Floating-point operations a second of a rank; the survey's own best, 49 teraflops a GPU. */
const FLOPS = 49e12;
/** A message inside a node and between nodes: seconds, and seconds for a byte (300 and 12.5 GB/s). */
const INSIDE = { alpha: 5e-6, beta: 1 / 300e9 };
const BETWEEN = { alpha: 2e-5, beta: 1 / 12.5e9 };
/** Numbers sent stand for so many: a clock moves the same, and less is copied. */
const SCALE = 2 ** 22;

const ZERO = 'ZeRO-3';
const MESH = '3D';

/** Bytes in 16 bits, as the survey's machines store weights and activations; never nothing. */
const message = (numbers: number): Uint8Array =>
  new Uint8Array(Math.max(1, Math.round((2 * numbers) / SCALE)));

interface Sizes {
  readonly layers: number;
  readonly parameters: number;
  readonly activations: number;
  /** Seconds of a layer's forward pass for one example. */
  readonly seconds: number;
}

function sizesOf({ layers, hidden, length }: Config): Sizes {
  const parameters = 12 * hidden ** 2; // of a layer
  return {
    layers,
    parameters,
    activations: length * hidden,
    seconds: (2 * parameters * length + 4 * length ** 2 * hidden) / FLOPS,
  };
}

/** One update: each layer's parameters are gathered while the one before computes, both ways, and its gradients are reduced. */
async function zeroUpdate(
  { comm, compute }: SimulatedRank,
  { layers, parameters, seconds }: Sizes,
  examples: number,
): Promise<void> {
  const whole = message(parameters);
  // the share of a rank, in whole bytes
  const part = new Uint8Array(Math.ceil(whole.length / comm.size));
  const all = new Uint8Array(part.length * comm.size);
  const reductions: Promise<unknown>[] = [];
  const scatter = (await comm.split(0))!; // a line of its own beside the gathers
  for (const [way, work] of [
    ['forward', seconds],
    ['backward', 2 * seconds],
  ] as const) {
    let gathered = comm.allGather(part, all);
    for (let layer = 0; layer < layers; layer++) {
      await gathered;
      if (layer + 1 < layers) gathered = comm.allGather(part, all);
      await compute(work * examples);
      if (way === 'backward') reductions.push(scatter.reduceScatter(new Uint8Array(all.length)));
    }
  }
  await Promise.all(reductions);
}

/** One update: 1F1B over stages, two reductions over the tensor ranks in each layer and each way, one of all gradients at the end. */
async function meshUpdate(
  { comm, compute }: SimulatedRank,
  { layers, parameters, activations, seconds }: Sizes,
  examples: number,
  shape: Config['mesh'],
): Promise<void> {
  const { pipeline, data } = await mesh(comm, shape);
  // the pipeline's examples are those of all its ranks, one a micro-batch
  const microBatches = examples * shape.pipeline * shape.tensor;
  const mine = layers / shape.pipeline;
  const steps = pipelineSchedule('1f1b', { stages: shape.pipeline, microBatches })[pipeline.rank]!;
  const x = message(activations);
  for (const { kind } of steps) {
    const forward = kind === 'forward';
    const [from, to] = forward
      ? [pipeline.rank - 1, pipeline.rank + 1]
      : [pipeline.rank + 1, pipeline.rank - 1];
    const inside = (rank: number): boolean => rank >= 0 && rank < shape.pipeline;
    if (inside(from)) await pipeline.recv(x, from, { tag: Number(forward) });
    const work =
      ((forward ? 1 : 2) * seconds) / shape.tensor + 2 * reductionSeconds(activations, shape.tensor);
    await compute(mine * work);
    if (inside(to)) void pipeline.send(x, to, { tag: Number(forward) });
  }
  await data.allReduce(message((parameters * mine) / shape.tensor));
}

/** A ring over the tensor ranks, which share a node. */
function reductionSeconds(numbers: number, ranks: number): number {
  return 2 * ((ranks - 1) * INSIDE.alpha + ((ranks - 1) / ranks) * 2 * numbers * INSIDE.beta);
}

export default experiment<Config, SpeedRow, never>({
  id: 'deepspeed-lite/zero-against-3d',
  paper:
    'Section 3.5: ZeRO and 3D parallelism are similar with many examples on a GPU; with fewer, 3D is better',
  datasets: [],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        layers: 8,
        hidden: 2048,
        length: 1024,
        examples: [1, 4],
        mesh: { pipeline: 2, data: 2, tensor: 2 },
      },
    },
    standard: {
      seeds: 1,
      config: {
        layers: 32,
        hidden: 4096,
        length: 2048,
        examples: [1, 2, 4, 8, 16],
        mesh: { pipeline: 4, data: 4, tensor: 4 },
      },
    },
    paper: {
      seeds: 1,
      config: {
        layers: 96,
        hidden: 12288,
        length: 2048,
        examples: [1, 2, 4, 8, 16, 32],
        mesh: { pipeline: 8, data: 4, tensor: 8 },
      },
    },
  },
  why: {
    layers: 'GPT-3’s 96 of 12,288 at paper scale; about 7 billion parameters at standard',
    hidden: 'as above',
    length: 'tokens of an example, GPT-3’s',
    examples: 'of one update for each rank: the survey’s batch size per GPU',
    mesh: 'tensor ranks in a node, stages and data ranks across nodes',
  },
  differences: [
    'Simulated: ranks on a virtual clock that compute 49 teraflops, 300 GB/s inside a node and 12.5 GB/s between nodes; the survey prints no network. What fits into memory is not asked.',
    'The reductions of tensor ranks are counted by the formula of a ring inside a node; everything else are messages.',
    'ZeRO is stage 3, whose parameters cross the network three times an update; with gathers ahead of the computing.',
  ],
  async run({ config, seed, progress }) {
    const rows: SpeedRow[] = [];
    const sizes = sizesOf(config);
    const ranks = config.mesh.pipeline * config.mesh.data * config.mesh.tensor;
    const alone = 1 / (3 * sizes.layers * sizes.seconds);
    const network = { alpha: BETWEEN.alpha, beta: BETWEEN.beta * SCALE };
    for (const examples of config.examples)
      for (const method of [ZERO, MESH]) {
        progress({
          stage: `${method}, ${examples} examples`,
          done: rows.length,
          total: 2 * config.examples.length,
        });
        const { seconds } = await simulate(
          ranks,
          (rank) => method === ZERO ? zeroUpdate(rank, sizes, examples) : meshUpdate(rank, sizes, examples, config.mesh), // prettier-ignore
          network,
        );
        const speed = examples / seconds;
        rows.push({ seed, method, examples, speed, efficiency: speed / alone });
      }
    return rows;
  },
  claims: [
    claim<SpeedRow>('with one example on a rank, 3D is faster', {
      paper: 'as the batch size decreases, 3D exceeds ZeRO',
      minSeeds: 1,
      measure: (rows) => {
        const least = Math.min(...rows.map(({ examples }) => examples));
        const zero = where(rows, { method: ZERO, examples: least });
        return inEveryRow(where(rows, { method: MESH, examples: least }), ({ speed }) =>
          zero.every((row) => row.speed < speed),
        );
      },
    }),
    claim<SpeedRow>('the gap is larger with one example than with the most', {
      paper: 'as the batch size decreases, the gap increases',
      minSeeds: 1,
      measure: (rows) => {
        const gap = (examples: number): number => where(rows, { method: MESH, examples })[0]!.speed / where(rows, { method: ZERO, examples })[0]!.speed; // prettier-ignore
        const sizes = rows.map(({ examples }) => examples);
        const most = gap(Math.max(...sizes));
        return inEveryRow(where(rows, { method: MESH, examples: Math.min(...sizes) }), ({ examples }) => gap(examples) > most); // prettier-ignore
      },
    }),
    claim<SpeedRow>('with the most examples, they are within 15 %', {
      paper: 'similar performance when the batch size per GPU is larger',
      minSeeds: 1,
      measure: (rows) => {
        const most = Math.max(...rows.map(({ examples }) => examples));
        const zero = where(rows, { method: ZERO, examples: most })[0];
        return inEveryRow(
          where(rows, { method: MESH, examples: most }),
          ({ speed }) => Math.abs(speed / zero!.speed - 1) <= 0.15,
        );
      },
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(rows, {
      title: 'Part of a rank’s time that computes',
      x: { field: 'examples', title: 'examples of one update for each rank', scale: 'log' },
      y: { field: 'efficiency', title: 'efficiency', format: '.0%' },
      series: 'method',
    }),
});
