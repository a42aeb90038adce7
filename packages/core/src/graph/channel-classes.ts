/** For each channel of a tensor's last axis, the number of its class; see {@link ChannelClasses}. */
export type Labels = Int32Array;

/**
 * Channels that must stay or go together, as disjoint sets: every channel of every tensor is an element, and
 * an operation that adds two channels, or stores them at the same place of a weight, joins their sets.
 */
export class ChannelClasses {
  #parent: number[] = [];
  #frozen: Map<number, string> = new Map();
  #approximate: Map<number, string> = new Map();

  /** `count` new channels, each in a class of its own. */
  create(count: number): Labels {
    const first = this.#parent.length;
    const labels = Int32Array.from({ length: count }, (_, i) => first + i);
    for (const label of labels) this.#parent.push(label);
    return labels;
  }

  /** The representative of a channel's class. */
  find(label: number): number {
    let root = label;
    while (this.#parent[root]! !== root) root = this.#parent[root]!;
    for (let next = label; next !== root;) {
      const above = this.#parent[next]!;
      this.#parent[next] = root;
      next = above;
    }
    return root;
  }

  /** Joins the classes of two channels, their remarks included. */
  join(a: number, b: number): void {
    const [low, high] = [this.find(a), this.find(b)].sort((x, y) => x - y) as [number, number];
    if (low === high) return;
    this.#parent[high] = low;
    for (const remarks of [this.#frozen, this.#approximate]) {
      const remark = remarks.get(low) ?? remarks.get(high);
      remarks.delete(high);
      if (remark !== undefined) remarks.set(low, remark);
    }
  }

  /** Joins channel by channel; axes of different length are frozen instead. */
  joinAll(a: Labels, b: Labels, reason: string): void {
    if (a.length !== b.length) {
      this.freeze(a, reason);
      this.freeze(b, reason);
      return;
    }
    for (let i = 0; i < a.length; i++) this.join(a[i]!, b[i]!);
  }

  /** Forbids the removal of these channels. The first reason is kept. */
  freeze(labels: Labels, reason: string): void {
    remember(this.#frozen, labels, reason, this);
  }

  /** Notes that removing these channels changes what the others compute. The first reason is kept. */
  markApproximate(labels: Labels, reason: string): void {
    remember(this.#approximate, labels, reason, this);
  }

  /** Why a channel cannot be removed, if so. */
  frozen(label: number): string | undefined {
    return this.#frozen.get(this.find(label));
  }

  /** Why removing a channel is not the same as masking it, if so. */
  approximate(label: number): string | undefined {
    return this.#approximate.get(this.find(label));
  }
}

function remember(
  remarks: Map<number, string>,
  labels: Labels,
  reason: string,
  classes: ChannelClasses,
): void {
  for (const label of labels) {
    const root = classes.find(label);
    if (!remarks.has(root)) remarks.set(root, reason);
  }
}
