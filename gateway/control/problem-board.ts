import type { Problem } from '../snapshot/problem.ts';
import type { Timers } from '../support/timers.ts';
import { compareProblems } from './resource/problem-order.ts';
import { resourceKey } from './resource/resource.ts';
import type { ObjectStore } from './source/object-store.ts';
import { meanwhile } from './source/quarantine/notes.ts';
import type { Quarantine } from './source/quarantine.ts';
import type { SourceProblem } from './source/source.ts';

/** Names so many held objects; a file may hold thousands. */
const MAX_NAMED = 5;

/** So many problems are sorted and told whenever one changes; more only so often. */
const MANY = 1_000;
/** The list of many problems is told at most this often. */
const MANY_PROBLEMS_MS = 1_000;

export type BoardOptions = {
  readonly store: ObjectStore;
  readonly publisher: { readonly problems: readonly Problem[] };
  readonly evaluator: { readonly found: { readonly revision: number; problems(): Iterable<Problem> } };
  readonly quarantine: Pick<Quarantine, 'problems' | 'isQuarantined' | 'revision'>;
  readonly timers: Timers;
  readonly onChange: (problems: readonly Problem[]) => void;
};

/** All problems of all parts as one list, made anew only when a part has others. */
export class ProblemBoard {
  readonly #options: BoardOptions;
  readonly #outside = new Map<string, readonly Problem[]>();
  #list: readonly Problem[] = [];
  /** The parts as they were when the list was made. */
  #known: readonly unknown[] = [];
  #outsideRevision = 0;
  #waiting = false;
  /** While it is decided what is served, half of it is nobody's business: the list stays. */
  isDeciding = false;

  constructor(options: BoardOptions) {
    this.#options = options;
  }

  /** Each Problem once, sorted. */
  get problems(): readonly Problem[] {
    this.#refresh();
    return this.#list;
  }

  /** Replaces what `from` said before. */
  report(from: string, problems: readonly Problem[]): void {
    if (problems.length === 0 && !this.#outside.has(from)) return;
    if (problems.length === 0) this.#outside.delete(from);
    else this.#outside.set(from, problems);
    this.#outsideRevision += 1;
  }

  /** Tells the list if it is another now; one of many problems a little later. */
  update(): void {
    if (this.#list.length <= MANY) return this.#tell();
    if (this.#waiting) return;
    this.#waiting = true;
    this.#options.timers.after(MANY_PROBLEMS_MS, () => {
      this.#waiting = false;
      this.#tell();
    });
  }

  #tell(): void {
    if (this.#refresh()) this.#options.onChange(this.#list);
  }

  /** True when the list was made anew. */
  #refresh(): boolean {
    if (this.isDeciding) return false;
    const { store, publisher, evaluator, quarantine } = this.#options;
    const { problems } = publisher;
    const parts = [
      store.sourceProblems,
      // They name what keeps serving.
      store.sourceProblems.length > 0 && store.size,
      evaluator.found.revision,
      quarantine.revision,
      this.#outsideRevision,
      ...problems,
    ];
    if (parts.length === this.#known.length && parts.every((part, index) => part === this.#known[index])) return false;
    this.#known = parts;
    this.#list = distinctProblems([
      ...describeSourceProblems(store.sourceProblems, store),
      ...quarantine.problems(),
      ...this.#ofInterest(),
      ...problems,
      ...[...this.#outside.values()].flat(),
    ]);
    return true;
  }

  /** What is to say about an old version would only distract from what is wrong with the newest. */
  #ofInterest(): Iterable<Problem> {
    const { evaluator, quarantine } = this.#options;
    return Iterator.from(evaluator.found.problems()).filter(
      ({ object }) => object === undefined || !quarantine.isQuarantined(resourceKey(object)),
    );
  }
}

/** Each Problem once, sorted: two parts of the program that find the same say it once. */
export function distinctProblems(problems: readonly Problem[]): Problem[] {
  const distinct = new Map<string, Problem>();
  for (const problem of problems) {
    const id = identityOf(problem);
    if (!distinct.has(id)) distinct.set(id, problem);
  }
  return [...distinct.values()].sort(compareProblems);
}

/** A source's faults, each with what keeps serving meanwhile. */
function describeSourceProblems(problems: readonly SourceProblem[], store: ObjectStore): Problem[] {
  return problems.map(({ problem, holds }) => {
    const { object } = problem;
    const own = object && holds.includes(resourceKey(object)) ? resourceKey(object) : undefined;
    if (own !== undefined) return { ...problem, message: `${problem.message} ${meanwhile(store.get(own))}` };
    const held = holds.filter((key) => store.get(key)?.good !== undefined);
    return held.length === 0 ? problem : { ...problem, message: `${problem.message} ${heldSentence(held)}` };
  });
}

function heldSentence(keys: readonly string[]): string {
  const names = keys.slice(0, MAX_NAMED).map((key) => key.replace('/', ' '));
  const more = keys.length > MAX_NAMED ? ` and ${keys.length - MAX_NAMED} more` : '';
  return `Until then the last good version${keys.length === 1 ? '' : 's'} of ${names.join(', ')}${more} keep${keys.length === 1 ? 's' : ''} serving.`;
}

function identityOf(problem: Problem): string {
  const { code, object, field, position, message } = problem;
  if (object === undefined || field === undefined)
    return `${code}|${object === undefined ? '' : resourceKey(object)}|${position?.file}:${position?.line}|${message}`;
  return `${code}|${resourceKey(object)}|${field}`;
}
