/**
 * Chooses among weighted destinations smoothly: every short run of picks holds each destination in proportion, so that
 * 100 requests at 50/50 are 50 and 50 (give or take one) and 90/10 meets v2 once in every ten. A random draw would not.
 * One choice belongs to one route of one worker and outlives configuration changes that leave its weights alone.
 */
export class WeightedChoice {
  readonly #total: number;
  // Two destinations, the common case, need one number, and no second place in memory: with very many routes each is cold
  // in the processor's cache.
  readonly #first: number;
  readonly #second: number;
  /** What is owed to the first of two, and has been taken from the second. */
  #owed: number;
  /** Of any other number: weight and what is owed (in units of weight, in sum zero) of each destination in turns. */
  readonly #cells: Float64Array | undefined;

  /**
   * `random` (0 inclusive to 1 exclusive) places the start inside the cycle: without it, many workers and many routes
   * would all send their first request to the heaviest destination.
   */
  constructor(weights: readonly number[], random: () => number) {
    this.#total = weights.reduce((sum, weight) => sum + weight, 0);
    const [first = 0, second = 0] = weights;
    this.#first = first;
    this.#second = second;
    this.#owed = 0;
    const isPair = weights.length === 2 && first > 0 && second > 0;
    // Whole weights have no more phases than whole numbers tell apart.
    if (isPair) this.#owed = Math.floor((random() - 0.5) * this.#total);
    else {
      const owed = randomStart(weights, this.#total, random);
      this.#cells = Float64Array.from(weights.flatMap((weight, index) => [weight, owed[index] as number]));
    }
  }

  /** `previous` itself when it was made for these weights, else a new choice. */
  static reuse(previous: WeightedChoice | undefined, weights: readonly number[], random: () => number): WeightedChoice {
    return previous?.isFor(weights) ? previous : new WeightedChoice(weights, random);
  }

  /** Whether this choice was made for exactly these weights, in this order. */
  isFor(weights: readonly number[]): boolean {
    const cells = this.#cells;
    if (cells === undefined) return weights.length === 2 && weights[0] === this.#first && weights[1] === this.#second;
    return weights.length * 2 === cells.length && weights.every((weight, index) => weight === cells[index * 2]);
  }

  /** Index of the destination for the next request, or -1 when no weight is above zero. Allocates nothing. */
  pick(): number {
    const cells = this.#cells;
    if (cells !== undefined) return this.#pickOfMany(cells);
    const owed = this.#owed;
    const isFirst = owed + this.#first >= this.#second - owed;
    this.#owed = isFirst ? owed - this.#second : owed + this.#first;
    return isFirst ? 0 : 1;
  }

  #pickOfMany(cells: Float64Array): number {
    let chosen = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < cells.length; at += 2) {
      const weight = cells[at] as number;
      if (weight <= 0) continue;
      const due = (cells[at + 1] as number) + weight;
      cells[at + 1] = due;
      if (due > most) {
        most = due;
        chosen = at >> 1;
      }
    }
    if (chosen !== -1) cells[chosen * 2 + 1] = most - this.#total;
    return chosen;
  }
}

/** Independent offsets of at most half a cycle, moved so that they sum to zero over the destinations in use. */
function randomStart(weights: readonly number[], total: number, random: () => number): Float64Array {
  const owed = Float64Array.from(weights, (weight) => (weight > 0 ? random() * total : 0));
  const inUse = weights.filter((weight) => weight > 0).length;
  const mean = owed.reduce((sum, offset) => sum + offset, 0) / inUse;
  return owed.map((offset, index) => ((weights[index] as number) > 0 ? offset - mean : 0));
}
