import { grown } from './grown.ts';
import { NEW } from './largest-class.ts';
import type { SlotList } from './slot-list.ts';

/**
 * The features of each record, and each class's mean over all examples that were offered, for the `herding` policy.
 */
export class Herding {
  readonly length: number;
  readonly #means = new Map<number, Float64Array>();
  readonly #sum: Float64Array;
  #features = new Float32Array(0); // [room, length]

  constructor(length: number) {
    this.length = length;
    this.#sum = new Float64Array(length);
  }

  /** `[slots, length]`, of as many slots as there is room for. */
  get features(): Float32Array {
    return this.#features;
  }

  /** Makes room for slots below `room`. */
  reserve(room: number): void {
    this.#features = grown(this.#features, room * this.length);
  }

  mean(label: number): Float64Array | undefined {
    return this.#means.get(label);
  }

  setMean(label: number, mean: Float64Array): void {
    this.#means.set(label, mean);
  }

  /** Takes an offered example, the `seen`-th of its class, into the class's mean. */
  offer(label: number, seen: number, features: Float32Array): void {
    let mean = this.#means.get(label);
    if (!mean) this.#means.set(label, (mean = new Float64Array(this.length)));
    for (let d = 0; d < this.length; d++) mean[d]! += (features[d]! - mean[d]!) / seen;
  }

  forget(label: number): void {
    this.#means.delete(label);
  }

  put(slot: number, features: Float32Array): void {
    this.features.set(features, slot * this.length);
  }

  move(from: number, to: number): void {
    this.features.copyWithin(to * this.length, from * this.length, (from + 1) * this.length);
  }

  /**
   * The member without which ‖mean of the kept − mean of the offered‖ is least; of equal ones the first, and before
   * them the new example, whose features are given where it belongs to the class.
   */
  victim(label: number, members: SlotList, fresh: Float32Array | undefined): number {
    const { length, features } = this;
    const mean = this.#means.get(label)!;
    const sum = this.#sum.fill(0);
    for (let m = 0; m < members.size; m++) {
      const at = members.at(m) * length;
      for (let d = 0; d < length; d++) sum[d]! += features[at + d]!;
    }
    if (fresh) for (let d = 0; d < length; d++) sum[d]! += fresh[d]!;
    const kept = members.size + (fresh ? 1 : 0) - 1;
    const distance = (values: Float32Array, at: number): number => {
      let total = 0;
      for (let d = 0; d < length; d++) total += ((sum[d]! - values[at + d]!) / kept - mean[d]!) ** 2;
      return total;
    };
    let victim = fresh ? NEW : members.at(0);
    let least = fresh ? distance(fresh, 0) : distance(features, victim * length);
    for (let m = 0; m < members.size; m++) {
      const away = distance(features, members.at(m) * length);
      if (away >= least) continue;
      least = away;
      victim = members.at(m);
    }
    return victim;
  }
}
