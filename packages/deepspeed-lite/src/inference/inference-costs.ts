/**
 * What a forward pass on several ranks takes: measured times of layers, and messages of n bytes at α + β·n.
 *
 * A sum over t tensor-parallel ranks goes round a ring, 2(t − 1)α + 2(t − 1)/t·βn (Thakur, Rabenseifner and Gropp 2005); a stage sends
 * rows to the next while it goes on; the last one's result goes to all by a tree.
 */

/** Seconds of a message: α, and β for each byte. */
export interface Link {
  /** α, seconds of any message, ≥ 0. */
  readonly alpha: number;
  /** β, seconds of a byte, ≥ 0. */
  readonly beta: number;
}

/** Seconds and bytes of one batch; `measureInference` measures them. */
export interface InferenceCosts {
  /** For each number of tensor-parallel ranks the seconds that the slowest of them computes, layer by layer. */
  readonly seconds: ReadonlyMap<number, readonly number[]>;
  /** Bytes of the sums over tensor-parallel ranks in each layer. */
  readonly sums: readonly (readonly number[])[];
  /** Bytes of the rows between two layers. */
  readonly rowBytes: number;
  /** Bytes of the result. */
  readonly outputBytes: number;
}

/** A way to use ranks. */
export interface InferenceMesh {
  /** Ranks that share each layer. */
  readonly tensor: number;
  /** Stages that layers are shared out to. */
  readonly pipeline: number;
  /** Where each stage begins, and the number of layers. */
  readonly cuts: readonly number[];
}

/** Seconds of each layer on so many tensor-parallel ranks, sums included. */
export function layerSeconds(
  { seconds, sums }: InferenceCosts,
  { alpha, beta }: Link,
  ranks: number,
): number[] {
  return seconds.get(ranks)!.map((computed, i) => {
    const messages = sums[i]!.reduce(
      (sum, bytes) => sum + 2 * (ranks - 1) * (alpha + (beta * bytes) / ranks),
      0,
    );
    return computed + messages;
  });
}

/** Seconds from a batch to its result on all ranks. */
export function latencyOf(costs: InferenceCosts, link: Link, { tensor, pipeline }: InferenceMesh): number {
  const layers = layerSeconds(costs, link, tensor).reduce((sum, seconds) => sum + seconds, 0);
  const { alpha, beta } = link;
  const between = (pipeline - 1) * (alpha + beta * costs.rowBytes);
  return layers + between + Math.ceil(Math.log2(pipeline)) * (alpha + beta * costs.outputBytes);
}

/** Batches a second of a long stream: the slowest stage or message sets the pace. */
export function throughputOf(costs: InferenceCosts, link: Link, { tensor, cuts }: InferenceMesh): number {
  const layers = layerSeconds(costs, link, tensor);
  const stages = cuts
    .slice(1)
    .map((end, s) => layers.slice(cuts[s], end).reduce((sum, each) => sum + each, 0));
  const message = stages.length > 1 ? link.alpha + link.beta * costs.rowBytes : 0;
  return 1 / Math.max(...stages, message);
}
