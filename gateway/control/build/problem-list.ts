import type { Problem } from '../../snapshot/problem.ts';
import { distinctProblems } from './problem-at.ts';

/** All problems of a build, sorted, each once; the same list while no part has changed. */
export class ProblemList {
  #parts: readonly (readonly Problem[])[] = [];
  #list: readonly Problem[] = Object.freeze([]);

  update(all: readonly (readonly Problem[])[]): readonly Problem[] {
    const parts = all.filter((part) => part.length > 0);
    if (parts.length === this.#parts.length && parts.every((part, index) => part === this.#parts[index]))
      return this.#list;
    this.#parts = parts;
    this.#list = Object.freeze(distinctProblems(parts.flat()));
    return this.#list;
  }
}
