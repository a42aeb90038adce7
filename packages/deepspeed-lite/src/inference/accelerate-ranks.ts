/**
 * Inference on several ranks: tensor-parallel ones share the heads and units of each layer and add up their parts twice a layer, pipeline
 * stages have some layers each and work on several batches at a time.
 *
 * Source: the survey's section 3.6.1; Shoeybi et al. 2019, section 3; Aminabadi et al. 2022, section IV.
 * Deviations: every rank has the embeddings or the head of its stage whole, and every rank gets the result.
 */
import { ArgumentError } from '@ockham/core';
import { mesh, type Communicator } from '@ockham/core/comm';
import { checkModel, checkSingleInputAndOutput } from '@ockham/core/models';
import { tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { balanceStages } from '../pipeline/balance-stages.ts';
import type { AccelerateOptions } from './accelerate.ts';
import { checkDecoder, fusedDecoder } from './fused-decoder.ts';
import { decode, type GenerateOptions } from './generate.ts';
import { inputOf, outputOf } from './input-output.ts';
import { KernelMemory } from './kernel-memory.ts';
import { policyFor } from './named-policies.ts';
import type { InferencePolicy } from './policy.ts';
import { Program, type Cache } from './program.ts';
import { readWeights } from './read-weights.ts';
import type { Rows } from './rows.ts';
import { checkTolerance, exampleFor, selfCheck, toleranceFor } from './self-check.ts';
import { checkTensorRanks } from './stage-weights.ts';

/** Options of {@link accelerateRanks}. */
export interface AccelerateRanksOptions extends Omit<AccelerateOptions, 'quantize'> {
  /** Ranks that share every layer, at most as many as heads. Default what is left of the ranks: size ÷ `pipeline`. */
  readonly tensor?: number;
  /** Stages, at most as many as layers. Default 1. */
  readonly pipeline?: number;
  /** Where each stage begins, and the number of layers: `planInference` gives them. Default as even as can be. */
  readonly cuts?: readonly number[];
}

/** A rank of a model that predicts on several. Every call is collective: all ranks make it, with the same arguments, and get the same. */
export interface RankedModel {
  /** Where every weight of the model was found. */
  readonly policy: InferencePolicy;
  /** Bytes of weights that this rank has. */
  readonly weightBytes: number;
  /** Ranks that share each layer. */
  readonly tensor: number;
  /** Stages that layers are shared out to. */
  readonly pipeline: number;
  /** What `model.predict` gives, but for the order of sums. The caller owns it. */
  predict(x: Tensor): Promise<Tensor>;
  /** The same of several batches, on which the stages work at the same time. The caller owns them. */
  predictMany(batches: readonly Tensor[]): Promise<Tensor[]>;
  /** As {@link Accelerated.generate}. */
  generate(prompts: readonly ArrayLike<number>[], options?: GenerateOptions): Promise<Int32Array[]>;
  /** Leaves the groups. Collective. */
  close(): Promise<void>;
}

/**
 * Makes this rank's part of a fused program. Collective.
 *
 * @param model The same on all ranks. Not changed.
 * @param comm Of `tensor` × `pipeline` ranks.
 * @throws As {@link accelerate}; ArgumentError where the ranks cannot be shared so.
 *
 * @example
 * const ranked = await accelerateRanks(model, comm, { tensor: 2 });
 * const y = await ranked.predict(tokens);
 */
export async function accelerateRanks(
  model: LayersModel,
  comm: Communicator,
  options: AccelerateRanksOptions = {},
): Promise<RankedModel> {
  const who = 'accelerateRanks';
  const { policy: given = 'auto', check = { tolerance: 1e-4 }, pipeline = 1 } = options;
  const { tensor: tensorRanks = comm.size / pipeline } = options;
  checkModel(who, model);
  checkSingleInputAndOutput(who, model);
  checkTolerance(who, check);
  const policy = policyFor(model, given);
  const weights = await readWeights(model, policy);
  const layers = weights.layers.length;
  if (tensorRanks * pipeline !== comm.size || !Number.isInteger(pipeline) || pipeline < 1)
    throw new ArgumentError(`${who}: tensor × pipeline must be the number of ranks, ${comm.size}, got ${tensorRanks} × ${pipeline}. Leave tensor out: it follows.`); // prettier-ignore
  checkTensorRanks(who, weights.layers, tensorRanks);
  const cuts = options.cuts ?? balanceStages(weights.layers.map(() => 1), pipeline); // prettier-ignore
  if (cuts.length !== pipeline + 1 || cuts[0] !== 0 || cuts.at(-1) !== layers || cuts.some((cut, i) => i > 0 && !(cut > cuts[i - 1]!)))
    throw new ArgumentError(`${who}: cuts must rise from 0 to ${layers}, the number of layers, in ${pipeline + 1} numbers, got [${cuts.join(', ')}].`); // prettier-ignore
  const groups = await mesh(comm, { pipeline, tensor: tensorRanks });
  const { pipeline: stage, tensor: tensorRank } = groups.coordinates;
  const place = { tensorRank, tensorRanks, begin: cuts[stage]!, end: cuts[stage + 1]! };
  const program = new Program(await KernelMemory.make(), weights, place);
  const runner = new StageRunner(program, groups.tensor, groups.pipeline);
  let last: Promise<unknown> = Promise.resolve();
  /** One call after the other: they share the memory. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn;
    return turn;
  };
  const predictMany = (batches: readonly Tensor[]): Promise<Tensor[]> => {
    const inputs = batches.map((x) => inputOf('predict', x, weights));
    return inTurn(async () => {
      const outputs = await runner.run(inputs.map(({ rows }) => ({ rows })));
      return outputs.map((values, i) => tensor(values, outputOf(inputs[i]!.shape, weights)));
    });
  };
  const ranked: RankedModel = {
    policy,
    weightBytes: program.weightBytes,
    tensor: tensorRanks,
    pipeline,
    predictMany,
    predict: async (x) => (await predictMany([x]))[0]!,
    async generate(prompts, generateOptions = {}) {
      checkDecoder('generate', weights);
      return inTurn(async () => {
        const decoder = fusedDecoder(
          program,
          async (rows, caches) => (await runner.run([{ rows, caches }]))[0]!,
        );
        try {
          return await decode('generate', decoder, prompts, generateOptions);
        } finally {
          decoder.end();
        }
      });
    },
    async close() {
      for (const group of [groups.tensor, groups.pipeline]) await group.close();
    },
  };
  if (check) {
    const example = exampleFor(model, weights, true);
    const usual = (x: Tensor): Tensor => tidy(() => model.predict(x) as Tensor);
    const tolerance = toleranceFor(weights, check.tolerance);
    await selfCheck(example, usual, ranked.predict, { name: model.name, tolerance });
    example.dispose();
  }
  return ranked;
}

/** Rows to run, with the caches of their texts or none. */
interface Work {
  readonly rows: Rows;
  readonly caches?: readonly Cache[];
}

/** One stage of a pipeline. */
class StageRunner {
  readonly #program: Program;
  readonly #tensor: Communicator;
  readonly #pipeline: Communicator;

  constructor(program: Program, tensorGroup: Communicator, pipelineGroup: Communicator) {
    [this.#program, this.#tensor, this.#pipeline] = [program, tensorGroup, pipelineGroup];
  }

  /** What the head makes of each, on all ranks. */
  async run(works: readonly Work[]): Promise<Float32Array[]> {
    const { weights } = this.#program;
    const { size: stages } = this.#pipeline;
    const results: Float32Array[] = [];
    const sent: Promise<unknown>[] = [];
    for (const { rows, caches } of works) {
      const result = await this.#forward(rows, caches, sent);
      const count = rows.read?.length ?? rows.count;
      results.push(result ?? new Float32Array(count * weights.outputs));
    }
    await Promise.all(sent);
    if (stages > 1)
      for (const result of results) await this.#pipeline.broadcast(result, { root: stages - 1 });
    return results;
  }

  async #forward(
    rows: Rows,
    caches: readonly Cache[] | undefined,
    sent: Promise<unknown>[],
  ): Promise<Float32Array | undefined> {
    const [program, { rank: stage, size: stages }] = [this.#program, this.#pipeline];
    const { memory, weights } = program;
    const state = stage === 0 ? program.embed(rows) : program.receive(rows);
    const length = rows.count * weights.width;
    if (stage > 0) memory.floats(state.x, length).set(await this.#pipeline.recv(new Float32Array(length), stage - 1)); // prettier-ignore
    for (const { address, length: numbers } of program.run(state, caches))
      await this.#tensor.allReduce(memory.floats(address, numbers));
    if (stage < stages - 1) {
      sent.push(this.#pipeline.send(memory.floats(state.x, length).slice(), stage + 1));
      return undefined;
    }
    const output = program.head(state);
    return memory.floats(output.address, output.length).slice();
  }
}
