const WINDOW_MS = 10_000;
const EXCEPTIONS_ALLOWED = 100;

/** A hundred unexpected exceptions within ten seconds mean broken shared state rather than one odd request. */
export class ExceptionBudget {
  #windowStart = 0;
  #count = 0;

  /** Counts one; true when the window's allowance is used up. */
  isSpent(now: number): boolean {
    if (now - this.#windowStart > WINDOW_MS) {
      this.#windowStart = now;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count > EXCEPTIONS_ALLOWED;
  }
}
