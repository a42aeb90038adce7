/**
 * The lottery ticket hypothesis: iterative magnitude pruning with rewinding, paper §2 and §7.
 *
 * Frankle and Carbin 2019, strategy 1: train, prune a fraction of the remaining weights by magnitude, reset the
 * rest to their initial values, repeat. `rewind: 'early'` resets to the weights after some epochs of training
 * instead (Frankle et al. 2020); `none` keeps the trained values (Han et al. 2015).
 *
 * Deviations: weights compete over all layers together by default, as in Frankle and Carbin's deeper networks, for
 * every network (`scope: 'layer'` gives their fully connected form, without their halved rate of the output layer).
 * The control draws a kernel's initial values again by permuting them, which for independent, identically
 * distributed initial values is a new draw given their histogram; biases and the rest keep their start.
 */
import { tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { throwIfAborted, type Split } from '@ockham/core';
import { evaluate } from '@ockham/core/metrics';
import { cloneModel } from '@ockham/core/models';
import { toRandom, type Random } from '@ockham/core/random';
import { restoreWeights, saveWeights, train, type Snapshot, type TrainOptions } from '@ockham/core/training';
import { identityOf } from './checkpoint.ts';
import { packLottery, unpackLottery, type LotteryState } from './lottery-checkpoint.ts';
import type { LotteryTicketOptions, LotteryTicketResult, Ticket } from './lottery-options.ts';
import { checkLotteryOptions, lotteryPlan, type LotteryPlan } from './lottery-plan.ts';
import { Masks } from './masks.ts';
import { checkPruneData, type PruneData } from './prune-data.ts';
import { trainPruned } from './retraining.ts';
import { chooseKept, floorOf } from './scope.ts';
import { selectionOf } from './selection.ts';

/**
 * Looks for a subnetwork that trains as well as the whole.
 *
 * @param model Not trained yet: its weights are the initial ones. It stays as it was.
 * @param options With `dryRun: true` nothing is trained and the {@link LotteryPlan} is returned.
 * @throws ArgumentError for options out of range and data that does not fit.
 * @throws NothingChangedError if the rounds remove no weight.
 * @throws AbortedError when the signal fires.
 *
 * @example
 * const { tickets } = await lotteryTicket(lenet300100({ seed: 1 }), data, {
 *   rounds: 10, train: { epochs: 3 }, reinitialise: true, seed: 1,
 * });
 */
export async function lotteryTicket(
  model: LayersModel,
  data: PruneData,
  options: LotteryTicketOptions & { readonly dryRun: true },
): Promise<LotteryPlan>;
export async function lotteryTicket(
  model: LayersModel,
  data: PruneData,
  options: LotteryTicketOptions & { readonly dryRun?: false },
): Promise<LotteryTicketResult>;
export async function lotteryTicket(
  model: LayersModel,
  data: PruneData,
  options: LotteryTicketOptions & { readonly dryRun?: boolean },
): Promise<LotteryTicketResult | LotteryPlan> {
  const { rounds = 5, rewind = 'initial', exclude = [], reinitialise = false } = options;
  const { signal, checkpoint, snapshotEvery } = options;
  checkLotteryOptions(options);
  checkPruneData('lotteryTicket', model, data, options.train.loss);
  const plan = lotteryPlan(model, options);
  if (options.dryRun) return plan;
  const selection = selectionOf(model, exclude);
  const random = toRandom(options.seed ?? 0).stream('lottery-ticket');

  const initial = await saveWeights(model);
  const network = await cloneModel(model);
  let masks = new Masks(
    network,
    selection.weights.map(({ size }) => new Uint8Array(size).fill(1)),
  );
  try {
    const identity = checkpoint ? await identityOf(model, plainOptions(options), data.train, random) : '';
    const save = async (state: Omit<LotteryState, 'masks' | 'target' | 'tickets'>) =>
      checkpoint?.write(packLottery(identity, { ...state, tickets, masks, target }));
    const earlier = await checkpoint?.read();
    const found = earlier && unpackLottery(network, identity, earlier);
    const tickets = [...(found?.tickets ?? [])];
    const target = found?.target ?? (await rewindTarget(network, initial, data.train, options, random));
    restoreWeights(network, found?.weights ?? initial);
    if (found) masks = found.masks; // those before made no tensor
    let { start, training } = found ?? {};
    for (let round = found?.round ?? 0; round <= rounds; round++, start = training = undefined) {
      throwIfAborted(signal, `lotteryTicket (round ${round} of ${rounds})`);
      if (!start && round > 0) {
        const bits = await keepLargest(network, masks, plan.rounds[round]!.kept, options);
        masks.dispose();
        masks = new Masks(network, bits);
        if (rewind !== 'none') restoreWeights(network, target);
        masks.apply();
      }
      const from = (start ??= await saveWeights(network));
      const figures = await trainOnce(network, masks, data, {
        ...trainOptions(options, random, round),
        ...(training && { resumeFrom: training }),
        ...(checkpoint && { onSnapshot: (snapshot) => save({ round, start: from, training: snapshot }) }),
        ...(checkpoint && snapshotEvery !== undefined && { snapshotEvery }),
      });
      const control =
        reinitialise && round > 0
          ? await trainControl(network, initial, masks, data, options, random, round)
          : undefined;
      const kept = selection.taking.reduce((sum, i) => sum + masks.weights[i]!.kept, 0);
      const ticket: Ticket = {
        round,
        sparsity: 1 - kept / selection.size,
        nonZeros: masks.kept,
        masks: masks.toSnapshot(),
        start: from,
        ...figures,
        ...(control && { reinitialised: control }),
      };
      tickets.push(ticket);
      if (checkpoint && round < rounds) await save({ round: round + 1, weights: await saveWeights(network) });
      await options.onRound?.(ticket);
    }
    await checkpoint?.remove();
    return { model: network, masks, tickets };
  } catch (error) {
    masks.dispose();
    network.dispose();
    throw error;
  }
}

/** What tells one search from another: the options that are plain data. */
function plainOptions(options: LotteryTicketOptions): object {
  const {
    rounds,
    fraction,
    rewind,
    rewindEpochs,
    reinitialise,
    scope,
    floor,
    exclude,
    train: given,
  } = options;
  return { rounds, fraction, rewind, rewindEpochs, reinitialise, scope, floor, exclude, train: given };
}

async function keepLargest(
  network: LayersModel,
  masks: Masks,
  kept: number,
  { exclude = [], scope = 'global', floor = 0.001 }: LotteryTicketOptions,
): Promise<Uint8Array[]> {
  const { weights, taking } = selectionOf(network, exclude);
  const bits = masks.allBits();
  const candidates = [];
  for (const i of taking) {
    const values = await weights[i]!.variable.data<'float32'>();
    candidates.push({ scores: Float64Array.from(values, Math.abs), allowed: bits[i]! });
  }
  const floors = taking.map((i) => floorOf(weights[i]!.size, floor));
  const chosen = chooseKept(candidates, kept, scope, floors);
  for (const [position, i] of taking.entries()) bits[i] = chosen[position]!;
  return bits;
}

async function rewindTarget(
  network: LayersModel,
  initial: Snapshot,
  split: Split,
  options: LotteryTicketOptions,
  random: Random,
): Promise<Snapshot> {
  if (options.rewind !== 'early') return initial;
  const { rewindEpochs = 1, train: given } = options;
  const { learningRate, batchSize = 128, epochs } = given;
  const total = Math.round(epochs * Math.ceil(split.size / batchSize)); // the start of a whole training, its rates too
  await train(network, split, {
    ...trainOptions(options, random, 0),
    epochs: rewindEpochs,
    ...(typeof learningRate === 'function' && { learningRate: (step) => learningRate(step, total) }),
  });
  return saveWeights(network);
}

async function trainOnce(
  network: LayersModel,
  masks: Masks,
  { train: split, test }: PruneData,
  options: TrainOptions,
): Promise<{ loss: number; accuracy?: number }> {
  const { epochs } = await trainPruned(network, split, masks, options);
  const tested = test && (await evaluate(network, test, { loss: options.loss ?? 'crossEntropy' }));
  return {
    loss: epochs.at(-1)!.loss,
    ...(tested && Number.isFinite(tested.accuracy) && { accuracy: tested.accuracy }),
  };
}

async function trainControl(
  network: LayersModel,
  initial: Snapshot,
  masks: Masks,
  data: PruneData,
  options: LotteryTicketOptions,
  random: Random,
  round: number,
): Promise<{ loss: number; accuracy?: number }> {
  const control = await cloneModel(network);
  const same = masks.for(control);
  try {
    restoreWeights(control, initial);
    await redrawKernels(control, random.stream('reinitialise').stream(round));
    same.apply();
    return await trainOnce(control, same, data, trainOptions(options, random, round));
  } finally {
    same.dispose();
    control.dispose();
  }
}

async function redrawKernels(model: LayersModel, random: Random): Promise<void> {
  for (const [i, { variable, shape }] of selectionOf(model, []).weights.entries()) {
    const values = await variable.data<'float32'>();
    const order = random.stream(i).permutation(values.length);
    const drawn = tensor(
      Float32Array.from(order, (from) => values[from]!),
      [...shape],
    );
    variable.assign(drawn);
    drawn.dispose();
  }
}

/** The same order of examples in every round, as in the paper's experiments: only mask and start differ. */
function trainOptions(options: LotteryTicketOptions, random: Random, round: number): TrainOptions {
  const { progress, signal, rounds = 5 } = options;
  return {
    ...options.train,
    seed: random.stream('train'),
    ...(signal && { signal }),
    ...(progress && { progress: (event) => progress({ ...event, stage: `ticket ${round}/${rounds}` }) }),
  };
}
