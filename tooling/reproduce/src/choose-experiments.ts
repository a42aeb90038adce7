import { ArgumentError } from '@ockham/core';
import { experimentName } from './experiment.ts';
import type { LoadedExperiment, ReproducingPackage } from './workspace.ts';
import { loadExperiments } from './workspace.ts';

/** The package's experiments, or those that `only` names by id or by the id's last part. */
export async function chooseExperiments(
  opened: ReproducingPackage,
  only: readonly string[],
): Promise<LoadedExperiment[]> {
  const all = await loadExperiments(opened.folder);
  const known = all.map(({ experiment }) => experiment.id).join(', ') || 'none';
  if (all.length === 0) {
    throw new ArgumentError(`ockham-reproduce: ${opened.name} has no reproduce/*.experiment.ts. Add one.`);
  }
  const matches =
    (name: string) =>
    ({ experiment }: LoadedExperiment) =>
      experiment.id === name || experimentName(experiment.id) === name;
  for (const name of only) {
    if (!all.some(matches(name)))
      throw new ArgumentError(`ockham-reproduce: --only must name one of ${known}; got ${name}.`);
  }
  return only.length === 0 ? all : all.filter((loaded) => only.some((name) => matches(name)(loaded)));
}
