import { inspect } from 'node:util';

/** A secret string that prints as `[redacted]` in logs, JSON and inspect; only `reveal()` gives it out. */
export class SecretText {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself. The caller must not log it or put it into a message. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}
