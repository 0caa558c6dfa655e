/**
 * Gathers one statistics file per worker for control: asks all, answers when all have written theirs or after
 * a second. Only file names pass through here.
 */
export class StatisticsRounds {
  readonly #rounds = new Map<
    number,
    {
      waiting: Set<number>;
      files: Record<string, string>;
      timer: NodeJS.Timeout;
      done: (files: Record<string, string>) => void;
    }
  >();

  begin(
    id: number,
    own: Record<string, string>,
    workers: readonly number[],
    done: (files: Record<string, string>) => void,
  ): void {
    const timer = setTimeout(() => this.#finish(id), 1_000);
    this.#rounds.set(id, { waiting: new Set(workers), files: own, timer, done });
    if (workers.length === 0) this.#finish(id);
  }

  collected(id: number, worker: number, file: string): void {
    const round = this.#rounds.get(id);
    if (round === undefined) return;
    round.files[`worker-${worker}`] = file;
    round.waiting.delete(worker);
    if (round.waiting.size === 0) this.#finish(id);
  }

  #finish(id: number): void {
    const round = this.#rounds.get(id);
    if (round === undefined) return;
    clearTimeout(round.timer);
    this.#rounds.delete(id);
    round.done(round.files);
  }
}
