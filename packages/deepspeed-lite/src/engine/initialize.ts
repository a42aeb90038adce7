import { self, type Communicator } from '@ockham/core/comm';
import { refuseUnseededNoise } from '@ockham/core/training';
import type { Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { cutModel } from '../program/cut-model.ts';
import { keepOwn, ownPart } from '../mesh/own-part.ts';
import { rankMesh } from '../mesh/rank-mesh.ts';
import { flatLayout, type FlatLayout } from '../zero/flat-layout.ts';
import { fillVariable, variableNames } from '../zero/flat-variables.ts';
import { BlockGather } from '../zero/gather.ts';
import { GradientStore } from '../zero/gradient-store.ts';
import { blockRanges } from '../zero/shares.ts';
import { checkConfig, communicates, type EngineConfig } from './config.ts';
import { Engine } from './engine.ts';
import { rounding } from './precision.ts';
import { RankState } from './rank-state.ts';

/** Options of {@link initialize}. */
export interface InitializeOptions {
  /** The ranks. Default: one alone. */
  readonly comm?: Communicator;
}

/**
 * Gets a model ready for training on many ranks. Collective: every rank gives the same model and configuration; the weights are those
 * of rank 0.
 *
 * With tensor or pipeline ranks the model's weights are gone until `engine.model()` or `close()` gathers them.
 *
 * @throws ArgumentError for a configuration that does not fit, UnsupportedModelError for a model that cannot be cut or split and for what
 * does not go together.
 *
 * @example
 * const engine = await initialize(model, { optimizer: 'adam', zero: 2, microBatch: 8 }, { comm });
 * await engine.fit(data.train, { epochs: 1 });
 */
export async function initialize(
  model: LayersModel,
  config: EngineConfig = {},
  { comm = self() }: InitializeOptions = {},
): Promise<Engine> {
  const plan = checkConfig('initialize', config, comm);
  refuseUnseededNoise('initialize', model);
  const whole = cutModel(model, config.cut);
  const names = variableNames(model);
  const layoutOf = (variables: readonly Variable[], ranks: number): FlatLayout =>
    flatLayout(variables.map((variable) => ({ name: names.get(variable)!, shape: variable.shape })), ranks); // prettier-ignore
  const groups = await rankMesh(comm, plan.mesh);
  const { data, control } = groups;
  const parallel = plan.mesh.tensor * plan.mesh.pipeline > 1 ? await ownPart(model, whole, plan, groups, config) : undefined; // prettier-ignore
  await takeFromFirst(groups.world, [...whole.variables, ...whole.state]);
  if (parallel) await keepOwn(whole, parallel, groups.pipeline);
  const program = parallel?.stage.program ?? whole;
  for (const [variable, { whole: of }] of parallel?.parts ?? []) names.set(variable, names.get(of)!);
  const layout = layoutOf(program.variables, data.size);
  const round = rounding(plan.precision);
  const gather =
    plan.zero === 0 ? undefined : await BlockGather.create(data, program, layout, plan.zero, round);
  const most = Math.max(...blockRanges(program, layout).map(({ begin, end }) => end - begin));
  const local = communicates(plan.optimizer);
  const gradients = await GradientStore.create(local ? self() : data, layout, plan.zero, {
    least: plan.bucketSize,
    most,
  });
  const rank = new RankState({
    plan,
    whole: { program: whole, layout: layoutOf(whole.variables, comm.size) },
    program,
    layout,
    mesh: groups,
    parallel,
    data,
    control: control.data,
    gather,
    gradients,
    store: config.offload?.(comm.rank),
  });
  await rank.prepare();
  return new Engine(rank);
}

/** Gives every rank the values of rank 0. */
async function takeFromFirst(comm: Communicator, variables: readonly Variable[]): Promise<void> {
  if (comm.size === 1) return;
  for (const variable of variables) {
    const values = (await variable.data<'float32'>()).slice();
    await comm.broadcast(values);
    if (comm.rank > 0) fillVariable(variable, values);
  }
}
