/** How long to wait before a role that died is started again, and whether that is worth a Problem. */
export type RestartDecision = { readonly delayMs: number; readonly looping: boolean };

const WINDOW_MS = 10_000;
const DEATHS_ALLOWED = 3;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;

/** A role is restarted at once, until three deaths within ten seconds; then ever more slowly, until it lives for ten seconds. */
export class RestartBackoff {
  #deaths: number[] = [];
  #delayMs = 0;

  /** Called at each death; `now` in monotonic milliseconds. */
  died(now: number): RestartDecision {
    this.#deaths = this.#deaths.filter((at) => now - at < Math.max(WINDOW_MS, 3 * this.#delayMs));
    this.#deaths.push(now);
    if (this.#deaths.length < DEATHS_ALLOWED) {
      this.#delayMs = 0;
      return { delayMs: 0, looping: false };
    }
    this.#delayMs = Math.min(LONGEST_DELAY_MS, Math.max(FIRST_DELAY_MS, this.#delayMs * 2));
    return { delayMs: this.#delayMs, looping: true };
  }

  /** True while the last deaths came in a loop; false again once nothing died for ten seconds after the delay. */
  isLooping(now: number): boolean {
    const last = this.#deaths.at(-1);
    return this.#delayMs > 0 && last !== undefined && now - last < this.#delayMs + WINDOW_MS;
  }
}
