/** Long work that yields between its steps; whoever runs it decides how much of it comes at once. */
export type Steps<T> = Generator<undefined, T>;

/** Does all of it now. */
export function atOnce<T>(work: Steps<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Does it in slices of so many ms, between which the loop runs. */
export async function inSlices<T>(work: Steps<T>, sliceMs: number): Promise<T> {
  for (;;) {
    const end = performance.now() + sliceMs;
    do {
      const step = work.next();
      if (step.done === true) return step.value;
    } while (performance.now() < end);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * Does one work after the other, each in slices of so many ms, between which the loop runs. What fits into the first
 * slice is done before `do` returns. Works must not throw.
 */
export class StepQueue {
  readonly #sliceMs: number;
  #works: Steps<void>[] = [];
  #isWaiting = false;

  constructor(sliceMs: number) {
    this.#sliceMs = sliceMs;
  }

  do(work: Steps<void>): void {
    this.#works.push(work);
    if (!this.#isWaiting) this.#slice();
  }

  #slice(): void {
    const end = performance.now() + this.#sliceMs;
    for (let [work] = this.#works; work !== undefined; [work] = this.#works) {
      if (work.next().done === true) this.#works.shift();
      if (performance.now() < end) continue;
      this.#wait();
      return;
    }
  }

  #wait(): void {
    if (this.#works.length === 0) return;
    this.#isWaiting = true;
    setImmediate(() => {
      this.#isWaiting = false;
      this.#slice();
    });
  }
}
