import type { Problem } from '../snapshot/problem.ts';
import type { Change } from './resource/catalog/bucket-index.ts';
import { tellingCodes } from './resource/codes.ts';
import { resourceKey } from './resource/resource.ts';

type Entry = { readonly problem: Problem; count: number };

/**
 * All problems that are found now, and which errors among them are new since the last acceptance. Kept by changes: it
 * costs what is found differently, not what is found.
 */
export class ProblemLedger {
  readonly #entries = new Map<string, Entry>();
  /** How often each error is found, by what it says. */
  readonly #errors = new Map<string, number>();
  /** Errors that were not there at the last acceptance. */
  readonly #new = new Map<string, Problem>();
  /** Errors of the last acceptance that are gone. */
  readonly #gone = new Set<string>();
  #revision = 0;

  /** Grows whenever another problem is found, or one no more. */
  get revision(): number {
    return this.#revision;
  }

  change({ before = [], after = [] }: Change<readonly Problem[]>): void {
    for (const problem of after) this.#add(problem);
    for (const problem of before) this.#remove(problem);
  }

  /** Whatever was told before: this is everything that is found now. What was there at the last acceptance stays so. */
  replaceAll(found: Iterable<readonly Problem[]>): void {
    for (const id of this.#errors.keys()) if (!this.#new.delete(id)) this.#gone.add(id);
    this.#errors.clear();
    this.#entries.clear();
    this.#revision += 1;
    for (const after of found) this.change({ after });
  }

  /** Every problem once, in any order. */
  *problems(): Generator<Problem> {
    for (const { problem } of this.#entries.values()) yield problem;
  }

  /** Errors that were not there at the last acceptance. */
  newErrors(): Problem[] {
    return [...this.#new.values()];
  }

  hasError(problem: Problem): boolean {
    return this.#errors.has(errorIdOf(problem));
  }

  /** What is found now is what there has been. */
  accept(): void {
    this.#new.clear();
    this.#gone.clear();
  }

  #add(problem: Problem): void {
    const id = idOf(problem);
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.count += 1;
    else {
      this.#entries.set(id, { problem, count: 1 });
      this.#revision += 1;
    }
    if (isError(problem)) this.#countError(problem, 1);
  }

  #remove(problem: Problem): void {
    const id = idOf(problem);
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.count -= 1;
    if (entry.count === 0) {
      this.#entries.delete(id);
      this.#revision += 1;
    }
    if (isError(problem)) this.#countError(problem, -1);
  }

  #countError(problem: Problem, by: 1 | -1): void {
    const id = errorIdOf(problem);
    const before = this.#errors.get(id) ?? 0;
    const after = before + by;
    if (after > 0) this.#errors.set(id, after);
    else this.#errors.delete(id);
    if (before === 0 && !this.#gone.delete(id)) this.#new.set(id, problem);
    if (after === 0 && !this.#new.delete(id)) this.#gone.add(id);
  }
}

/** What no version of an object could mend is told, and is no error of its own. */
function isError({ severity, code }: Problem): boolean {
  return severity === 'error' && !tellingCodes.has(code);
}

function idOf(problem: Problem): string {
  return `${problem.severity}|${problem.field ?? ''}|${errorIdOf(problem)}`;
}

/** What a finding says, wherever in the object it stands. */
function errorIdOf(problem: Problem): string {
  return `${problem.object === undefined ? '' : resourceKey(problem.object)}|${problem.code}|${problem.message}`;
}
