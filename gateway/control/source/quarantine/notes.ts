// Promises: what people are told about objects that are not served as they are written: why, until when, what serves meanwhile.
// Never: decides what is served.
// Called by: the quarantine; others that have to say what serves meanwhile.
import type { ObjectRef, Problem } from '../../../snapshot/problem.ts';
import { type ResourceKey, resourceKey } from '../../resource/resource.ts';
import type { StoredObject } from '../object-store.ts';
import type { ObjectVersion } from '../source.ts';

type Objects = { get(key: ResourceKey): StoredObject | undefined };

/** Versions that a worker could not compile, with the Problem that says so. */
export type Rejected = { get(version: ObjectVersion): Problem | undefined };

type NotesOptions = { readonly objects: Objects; readonly rejected: Rejected; readonly now: () => number };

export class Notes {
  readonly #objects: Objects;
  readonly #rejected: Rejected;
  readonly #now: () => number;
  /** Objects whose newest version is not the chosen one, and since when. */
  readonly #quarantined = new Map<ResourceKey, number>();
  /** Those that are looked at again since the last acceptance: who has to go on waiting has waited since then. */
  readonly #lately = new Map<ResourceKey, number>();
  /** Of objects: unreadable, refused, not taken, waiting. */
  readonly #problems = new Map<ResourceKey, readonly Problem[]>();
  #revision = 0;

  constructor({ objects, rejected, now }: NotesOptions) {
    this.#objects = objects;
    this.#rejected = rejected;
    this.#now = now;
  }

  /** Grows when a problem or what is quarantined may be another. */
  get revision(): number {
    return this.#revision;
  }

  *problems(): Generator<Problem> {
    for (const problems of this.#problems.values()) yield* problems;
  }

  isQuarantined(key: ResourceKey): boolean {
    return this.#quarantined.has(key);
  }

  /** Since when that is so, as far as this process knows; milliseconds since the epoch. */
  quarantinedSince(key: ResourceKey): number | undefined {
    return this.#quarantined.get(key);
  }

  setQuarantined(key: ResourceKey, is: boolean): void {
    const since = this.#quarantined.get(key);
    if (is === (since !== undefined)) return;
    if (is) this.#quarantined.set(key, this.#lately.get(key) ?? this.#now());
    else this.#quarantined.delete(key);
    if (since !== undefined) this.#lately.set(key, since);
    this.#revision += 1;
  }

  /** What is chosen is served. */
  accept(): void {
    this.#lately.clear();
  }

  /** It is decided about anew: whatever was said is replaced by what is wrong with its newest version by itself. */
  begin(key: ResourceKey, newest: ObjectVersion | undefined, { isTaken }: { readonly isTaken: boolean }): void {
    const own = (newest?.problems ?? []).map((problem) =>
      isTaken || problem.severity !== 'error' ? problem : this.#withRest(key, problem),
    );
    const rejected = newest && this.#rejected.get(newest);
    const said = rejected === undefined ? own : [...own, rejected];
    this.setQuarantined(key, newest !== undefined && !isTaken);
    if (said.length === 0 && !this.#problems.delete(key)) return;
    if (said.length > 0) this.#problems.set(key, said);
    this.#revision += 1;
  }

  /** It is not taken because of errors of its own against other objects. */
  addErroneous(key: ResourceKey, errors: readonly Problem[]): void {
    for (const error of errors)
      this.#add(key, this.#withRest(key, { ...error, message: `Not taken: ${error.message}` }));
  }

  /** It is not taken because it would give another object an error. */
  addHarm(key: ResourceKey, harm: Problem): void {
    const other = harm.object === undefined ? 'another object' : nameOf(harm.object);
    const message = `Not taken: it would break ${other}: ${harm.message} Change that object as well.`;
    this.#add(key, this.#withRest(key, this.#about(key, 'MG1006', message)));
  }

  /** It leads to destinations that have no endpoint yet. */
  addLeadingNowhere(key: ResourceKey, empty: readonly string[], until: number): void {
    const has = empty.length === 1 ? 'has' : 'have';
    const message = `Not taken yet: ${empty.join(', ')} ${has} no ready endpoint. It is served as soon as there is one, and at ${timeOf(until)} in any case.`;
    this.#add(key, this.#withRest(key, this.#about(key, 'MG1007', message)));
  }

  /** It takes the endpoints from what traffic leads to now. */
  addEmptying(key: ResourceKey, emptied: string, until: number): void {
    const message = `Not taken yet: it would leave ${emptied}, which traffic leads to, without any ready endpoint. It is taken as soon as there is one, and at ${timeOf(until)} in any case.`;
    this.#add(key, this.#withRest(key, this.#about(key, 'MG1007', message)));
  }

  #add(key: ResourceKey, problem: Problem): void {
    this.#problems.set(key, [...(this.#problems.get(key) ?? []), problem]);
    this.#revision += 1;
  }

  #about(key: ResourceKey, code: string, message: string): Problem {
    const position = this.#objects.get(key)?.newest?.position;
    return { severity: 'error', code, message, object: objectRefOf(key), ...(position && { position }) };
  }

  #withRest(key: ResourceKey, problem: Problem): Problem {
    return { ...problem, message: `${problem.message} ${meanwhile(this.#objects.get(key))}` };
  }
}

/** What serves while the newest version does not. */
export function meanwhile(stored: StoredObject | undefined): string {
  if (stored?.good === undefined) return 'Until then the object is not served.';
  return `Until then its last good version, accepted ${timeOf(stored.good.acceptedAt)}, keeps serving.`;
}

/** The object of a key, as Problems name it. */
export function objectRefOf(key: ResourceKey): ObjectRef {
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name };
}

/** The key of the object a Problem is about; '' when it is about none. */
export function keyOf(problem: Problem): ResourceKey {
  return problem.object === undefined ? '' : resourceKey(problem.object);
}

/** `VirtualService default/myapp`. */
function nameOf({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
