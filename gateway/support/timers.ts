/** Waiting, as an argument: real in the program, driven by hand in tests. */
export interface Timers {
  /** Milliseconds of a clock that never steps back. */
  now(): number;
  /** Calls `action` once, `ms` later, unless the returned function is called before. */
  after(ms: number, action: () => void): () => void;
}

/** The process's own timers. They do not keep it alive. */
export const realTimers: Timers = {
  now: () => performance.now(),
  after(ms, action) {
    const timer = setTimeout(action, ms).unref();
    return () => clearTimeout(timer);
  },
};
