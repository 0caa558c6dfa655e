import type { HistogramData } from './input.ts';

/** A histogram that other processes' histograms are added to. */
export class MergedHistogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** Adds `data` counted in `bounds`. Other bounds than ours (an upgrade) go to the next larger bucket. */
  add(data: HistogramData, bounds: readonly number[]): void {
    this.sum += data.sum;
    const same = bounds.length === this.bounds.length && bounds.every((bound, i) => bound === this.bounds[i]);
    for (const [i, count] of data.counts.entries()) {
      const bucket = same ? i : this.#bucketOf(bounds[i] ?? Number.POSITIVE_INFINITY);
      this.counts[bucket] = (this.counts[bucket] ?? 0) + count;
    }
  }

  #bucketOf(bound: number): number {
    const bucket = this.bounds.findIndex((own) => own >= bound);
    return bucket < 0 ? this.bounds.length : bucket;
  }
}
