// Promises: which version of every object is built, so that a bad change serves nobody and hurts no other object.
// Never: does I/O, remembers anything, throws for a bad object. Pure.
// Called by: the controller before each publication.
//
// The rule, in order:
// 1. A version that cannot be read (syntax, schema) is not taken; the last good version stays.
// 2. A changed version with an error against the other objects (an unknown subset or host) that the version it replaces
//    does not have is not taken; the last good one stays.
// 3. A changed version that gives ANOTHER object such an error (a DestinationRule that drops a subset in use; or one
//    changed together with a VirtualService whose own change is not taken) waits as well.
// 4. A new object has no version to go back to: with an error against others it is served as far as it resolves.
// 5. A deletion is always obeyed; what still refers to the deleted object is served as far as it resolves, with a Problem.
// Good is what all workers have served.
import type { ObjectRef, Problem } from '../../snapshot/problem.ts';
import { tellingCodes } from '../resource/codes.ts';
import { type Resource, type ResourceKey, resourceKey } from '../resource/resource.ts';
import { isUsable, type StoredObject, type UsableVersion } from './object-store.ts';
import type { ObjectVersion } from './source.ts';

/** What is found when objects are seen together; `E` also carries what was built from them. */
export type Evaluation = { readonly problems: readonly Problem[] };

export type QuarantineInput<E extends Evaluation> = {
  readonly objects: ReadonlyMap<ResourceKey, StoredObject>;
  readonly evaluate: (resources: ReadonlyMap<ResourceKey, Resource>) => E;
  /** Versions that a worker could not compile, with the Problem that says so. */
  readonly rejected: { get(version: ObjectVersion): Problem | undefined };
  /** Errors that what is served has already, from the last choice; absent after a start. */
  readonly standing: ReadonlySet<string> | undefined;
};

export type Choice<E extends Evaluation> = {
  /** Of the chosen versions, together. */
  readonly evaluation: E;
  /** The chosen versions: the good ones, once all workers serve them. */
  readonly versions: readonly UsableVersion[];
  /** Objects whose newest version is not served. */
  readonly quarantined: ReadonlySet<ResourceKey>;
  /** Of objects: unreadable, not taken, waiting, and findings about what is served. */
  readonly problems: readonly Problem[];
  /** For the next time's `standing`. */
  readonly errors: ReadonlySet<string>;
};

/** So many suspects are tried one by one; more wait together. */
const MAX_TRIALS = 8;

export function chooseVersions<E extends Evaluation>(input: QuarantineInput<E>): Choice<E> {
  const selection = new Selection(input);
  selection.turnDownErroneous();
  selection.turnDownHarmful();
  return selection.choice();
}

class Selection<E extends Evaluation> {
  readonly #input: QuarantineInput<E>;
  readonly #resources = new Map<ResourceKey, Resource>();
  readonly #versions = new Map<ResourceKey, UsableVersion>();
  /** Changed versions that are taken so far, and could be turned down. */
  readonly #changed = new Set<ResourceKey>();
  readonly #quarantined = new Set<ResourceKey>();
  readonly #problems: Problem[] = [];
  #evaluation: E;
  #standing: ReadonlySet<string> | undefined;

  constructor(input: QuarantineInput<E>) {
    this.#input = input;
    this.#standing = input.standing;
    for (const [key, stored] of input.objects) this.#begin(key, stored);
    this.#evaluation = input.evaluate(this.#resources);
  }

  /** Rule 2. */
  turnDownErroneous(): void {
    const errors = this.#newErrors().filter((problem) => this.#changed.has(keyOf(problem)));
    for (const problem of errors) {
      const key = keyOf(problem);
      this.#problems.push(this.#decorated(key, { ...problem, message: `Not taken: ${problem.message}` }));
      this.#goBack(key);
    }
    if (errors.length > 0) this.#evaluation = this.#input.evaluate(this.#resources);
  }

  /** Rule 3. */
  turnDownHarmful(): void {
    if (this.#harm().length === 0) return;
    const suspects = [...this.#changed];
    if (suspects.length > MAX_TRIALS) this.#tryWithout(suspects);
    else for (const key of suspects) this.#tryWithout([key]);
  }

  choice(): Choice<E> {
    const { problems } = this.#evaluation;
    // What is to say about an old version would only distract from what is wrong with the newest.
    const ofInterest = problems.filter((problem) => !this.#quarantined.has(keyOf(problem)));
    return {
      evaluation: this.#evaluation,
      versions: [...this.#versions.values()],
      quarantined: this.#quarantined,
      problems: [...this.#problems, ...ofInterest],
      errors: errorIds(problems),
    };
  }

  /** Rule 1. */
  #begin(key: ResourceKey, { newest, good }: StoredObject): void {
    const taken = [newest, good?.version].find((version) => this.#isServable(version));
    for (const problem of newest?.problems ?? [])
      this.#problems.push(isError(problem) && taken !== newest ? this.#decorated(key, problem) : problem);
    const rejected = newest && this.#input.rejected.get(newest);
    if (rejected !== undefined) this.#problems.push(rejected);
    if (newest !== undefined && taken !== newest) this.#quarantined.add(key);
    if (!isUsable(taken)) return;
    this.#take(taken);
    if (good !== undefined && taken.fingerprint !== good.version.fingerprint) this.#changed.add(key);
  }

  #isServable(version: ObjectVersion | undefined): boolean {
    return isUsable(version) && this.#input.rejected.get(version) === undefined;
  }

  #take(version: UsableVersion): void {
    this.#versions.set(version.key, version);
    this.#resources.set(version.key, version.resource);
  }

  #goBack(key: ResourceKey): void {
    const good = this.#input.objects.get(key)?.good;
    if (good === undefined) return;
    this.#take(good.version);
    this.#changed.delete(key);
    this.#quarantined.add(key);
  }

  /** Turns the suspects down if that cures an error of another object. */
  #tryWithout(suspects: readonly ResourceKey[]): void {
    const harm = this.#harm();
    if (harm.length === 0) return;
    const trial = new Map(this.#resources);
    for (const key of suspects) {
      const good = this.#input.objects.get(key)?.good;
      if (good !== undefined) trial.set(key, good.version.resource);
    }
    const evaluation = this.#input.evaluate(trial);
    const left = errorIds(evaluation.problems);
    const cured = harm.find((problem) => !left.has(idOf(problem)));
    if (cured === undefined) return;
    for (const key of suspects) {
      this.#goBack(key);
      this.#problems.push(this.#waiting(key, cured));
    }
    this.#evaluation = evaluation;
  }

  /** New errors of objects that did not change themselves (or whose change is not taken). */
  #harm(): Problem[] {
    if (this.#changed.size === 0) return [];
    return this.#newErrors().filter((problem) => {
      const key = keyOf(problem);
      const good = this.#input.objects.get(key)?.good;
      return good !== undefined && this.#versions.get(key)?.fingerprint === good.version.fingerprint;
    });
  }

  /** Errors that what is served does not have. */
  #newErrors(): Problem[] {
    const errors = this.#evaluation.problems.filter(isError);
    if (errors.length === 0 || this.#changed.size === 0) return [];
    this.#standing ??= this.#errorsOfGoodVersions();
    const standing = this.#standing;
    return errors.filter((problem) => !standing.has(idOf(problem)));
  }

  /** After a start nobody knows what was wrong before: the good versions tell. */
  #errorsOfGoodVersions(): ReadonlySet<string> {
    const resources = new Map(this.#resources);
    for (const key of this.#changed) {
      const good = this.#input.objects.get(key)?.good;
      if (good !== undefined) resources.set(key, good.version.resource);
    }
    return errorIds(this.#input.evaluate(resources).problems);
  }

  #decorated(key: ResourceKey, problem: Problem): Problem {
    return { ...problem, message: `${problem.message} ${meanwhile(this.#input.objects.get(key))}` };
  }

  #waiting(key: ResourceKey, harm: Problem): Problem {
    const stored = this.#input.objects.get(key);
    const position = stored?.newest?.position;
    const other = harm.object === undefined ? 'another object' : nameOf(harm.object);
    return {
      severity: 'error',
      code: 'MG1006',
      message: `Not taken: it would break ${other}: ${harm.message} Change that object as well. ${meanwhile(stored)}`,
      object: objectRefOf(key),
      ...(position && { position }),
    };
  }
}

/** What serves while the newest version does not. */
export function meanwhile(stored: StoredObject | undefined): string {
  if (stored?.good === undefined) return 'Until then the object is not served.';
  return `Until then its last good version, accepted ${new Date(stored.good.acceptedAt).toISOString()}, keeps serving.`;
}

/** `VirtualService default/myapp`. */
function nameOf({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}

export function objectRefOf(key: ResourceKey): ObjectRef {
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name };
}

/** The key of the object a Problem is about; '' when it is about none. */
function keyOf(problem: Problem): ResourceKey {
  return problem.object === undefined ? '' : resourceKey(problem.object);
}

/** What a finding says, wherever in the object it stands. */
function idOf(problem: Problem): string {
  return `${keyOf(problem)}|${problem.code}|${problem.message}`;
}

function errorIds(problems: readonly Problem[]): ReadonlySet<string> {
  return new Set(problems.filter(isError).map(idOf));
}

/** What no version of an object could mend is told, and keeps none back. */
function isError(problem: Problem): boolean {
  return problem.severity === 'error' && !tellingCodes.has(problem.code);
}
