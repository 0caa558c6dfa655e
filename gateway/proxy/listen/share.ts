/** A worker may run ahead of the least loaded other by so many connections... */
const SLACK = 16;
/** ...or by this part of the others' mean, when that is more. */
const SLACK_RATIO = 0.25;

/**
 * Decides when a worker has more than its share of the connections and should leave the shared accept queue to the
 * others for a while. Others that show no change while this one waits may be hung: they are no reason to wait then.
 */
export class ConnectionShare {
  #others: number[] = [];
  #trusted = true;

  /** Connection counts of the other workers, as last told by the supervisor. Returns whether anything changed. */
  update(others: readonly number[]): boolean {
    const changed =
      others.length !== this.#others.length || others.some((count, index) => count !== this.#others[index]);
    if (changed) {
      this.#others = [...others];
      this.#trusted = true;
    }
    return changed;
  }

  /** Called when a pause ran out and nothing was heard: the others do not accept, so this worker must. */
  distrust(): void {
    this.#trusted = false;
  }

  isOver(own: number): boolean {
    if (!this.#trusted || this.#others.length === 0) return false;
    const least = Math.min(...this.#others);
    const mean = this.#others.reduce((sum, count) => sum + count, 0) / this.#others.length;
    return own - least > Math.max(SLACK, mean * SLACK_RATIO);
  }
}
