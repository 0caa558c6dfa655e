// Promises: which version of every object is built, so that a bad change serves nobody and hurts no other object.
// Never: does I/O, remembers anything, throws for a bad object. Pure.
// Called by: the controller before each build.
//
// The rule, in order:
// 1. A version that cannot be read (syntax, schema) is not taken; the last good version stays.
// 2. A changed version that has an error against the other objects (an unknown subset) is not taken; the last good one stays.
// 3. A changed version that gives ANOTHER object an error which that one does not have now (a DestinationRule that drops a
//    subset in use; or one changed together with a VirtualService whose own change was not taken) waits as well.
// 4. A new object has no last good version: with an error against others it is served as far as it resolves, but not accepted.
// 5. A deletion is always obeyed; what still refers to the deleted object is served as far as it resolves, with a Problem.
import type { Problem } from '../../snapshot/problem.ts';
import { type Resource, type ResourceKey, resourceKey } from '../resource/resource.ts';
import { isUsable, type StoredObject, type UsableVersion } from './object-store.ts';
import type { ObjectVersion } from './source.ts';

export type QuarantineInput = {
  readonly objects: ReadonlyMap<ResourceKey, StoredObject>;
  /** Findings about objects in the company of all others. */
  readonly analyze: (resources: ReadonlyMap<ResourceKey, Resource>) => readonly Problem[];
  /** Versions that a worker could not compile, with the Problem that says so. */
  readonly rejected: ReadonlyMap<ObjectVersion, Problem>;
  /** Errors that stand already with what is served, as {@link findingId}. */
  readonly standing: ReadonlySet<string>;
};

export type Choice = {
  /** What to build. */
  readonly resources: ReadonlyMap<ResourceKey, Resource>;
  /** Versions that become the good ones once all workers serve them. */
  readonly acceptable: readonly UsableVersion[];
  /** Objects whose newest version is not served. */
  readonly quarantined: ReadonlySet<ResourceKey>;
  /** Of objects: unreadable, turned down, waiting, and findings about what is served. */
  readonly problems: readonly Problem[];
  /** For the next time's `standing`. */
  readonly errors: ReadonlySet<string>;
};

/** Single trials are made for so many changed objects at once; beyond that they wait together. */
const MAX_TRIALS = 8;

export function chooseVersions(input: QuarantineInput): Choice {
  const selection = new Selection(input);
  selection.turnDownErroneous();
  selection.turnDownHarmful();
  return selection.choice();
}

/** Identifies a finding over time: what it says, not where. */
export function findingId(problem: Problem): string {
  return `${keyOf(problem) ?? ''}|${problem.code}|${problem.field ?? ''}|${problem.message}`;
}

class Selection {
  readonly #input: QuarantineInput;
  readonly #resources = new Map<ResourceKey, Resource>();
  readonly #versions = new Map<ResourceKey, UsableVersion>();
  /** Changed versions that are taken so far, but could be turned down: there is a good one. */
  readonly #changed = new Set<ResourceKey>();
  readonly #quarantined = new Set<ResourceKey>();
  readonly #problems: Problem[] = [];
  #findings: readonly Problem[];

  constructor(input: QuarantineInput) {
    this.#input = input;
    for (const [key, stored] of input.objects) this.#begin(key, stored);
    this.#findings = input.analyze(this.#resources);
  }

  /** Rule 2. */
  turnDownErroneous(): void {
    const erroneous = new Set(errorsOf(this.#findings).map(keyOf));
    const turnedDown = [...this.#changed].filter((key) => erroneous.has(key));
    for (const key of turnedDown) {
      for (const problem of this.#findings)
        if (keyOf(problem) === key) this.#problems.push(this.#meanwhile(key, problem));
      this.#goBack(key);
    }
    if (turnedDown.length > 0) this.#findings = this.#input.analyze(this.#resources);
  }

  /** Rule 3. */
  turnDownHarmful(): void {
    if (this.#changed.size === 0 || this.#newHarm(this.#findings).length === 0) return;
    const suspects = [...this.#changed];
    if (suspects.length > MAX_TRIALS) this.#tryWithout(suspects);
    else for (const key of suspects) this.#tryWithout([key]);
  }

  choice(): Choice {
    const erroneous = new Set(errorsOf(this.#findings).map(keyOf));
    const { objects } = this.#input;
    const acceptable = [...this.#versions.values()].filter(
      (version) =>
        !erroneous.has(version.key) || objects.get(version.key)?.good?.version.fingerprint === version.fingerprint,
    );
    return {
      resources: this.#resources,
      acceptable,
      quarantined: this.#quarantined,
      problems: [...this.#problems, ...this.#findings.filter((problem) => this.#isOfInterest(problem))],
      errors: new Set(errorsOf(this.#findings).map(findingId)),
    };
  }

  /** Rule 1. */
  #begin(key: ResourceKey, { newest, good }: StoredObject): void {
    const rejected = newest === undefined ? undefined : this.#input.rejected.get(newest);
    const taken = isUsable(newest) && rejected === undefined ? newest : good?.version;
    for (const problem of newest?.problems ?? [])
      this.#problems.push(isError(problem) && taken !== newest ? this.#meanwhile(key, problem) : problem);
    if (rejected !== undefined) this.#problems.push(this.#meanwhile(key, rejected));
    if (newest !== undefined && newest !== taken && newest.problems.some(isError)) this.#quarantined.add(key);
    if (rejected !== undefined) this.#quarantined.add(key);
    if (taken === undefined) return;
    this.#take(taken);
    if (good !== undefined && taken.fingerprint !== good.version.fingerprint) this.#changed.add(key);
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
    const harm = this.#newHarm(this.#findings);
    if (harm.length === 0) return;
    const trial = new Map(this.#resources);
    for (const key of suspects) {
      const good = this.#input.objects.get(key)?.good;
      if (good !== undefined) trial.set(key, good.version.resource);
    }
    const findings = this.#input.analyze(trial);
    const left = new Set(errorsOf(findings).map(findingId));
    const cured = harm.filter((problem) => !left.has(findingId(problem)));
    if (cured.length === 0) return;
    for (const key of suspects) {
      this.#goBack(key);
      this.#problems.push(this.#waiting(key, cured[0] as Problem)); // cured is not empty
    }
    this.#findings = findings;
  }

  /** Errors of objects that are not changed themselves, and that do not stand already. */
  #newHarm(findings: readonly Problem[]): Problem[] {
    return errorsOf(findings).filter((problem) => {
      const key = keyOf(problem);
      return (
        key !== undefined &&
        !this.#changed.has(key) &&
        this.#isKept(key) &&
        !this.#input.standing.has(findingId(problem))
      );
    });
  }

  /** A version that served before. */
  #isKept(key: ResourceKey): boolean {
    const good = this.#input.objects.get(key)?.good;
    return good !== undefined && this.#versions.get(key)?.fingerprint === good.version.fingerprint;
  }

  /** Small things about an old version are not worth saying while the newest one waits to be mended. */
  #isOfInterest(problem: Problem): boolean {
    const key = keyOf(problem);
    return key === undefined || !this.#quarantined.has(key);
  }

  #meanwhile(key: ResourceKey, problem: Problem): Problem {
    return { ...problem, message: `${problem.message} ${meanwhile(this.#input.objects.get(key))}` };
  }

  #waiting(key: ResourceKey, harm: Problem): Problem {
    const stored = this.#input.objects.get(key);
    const position = stored?.newest?.position;
    return {
      severity: 'error',
      code: 'MG1006',
      message: `This change would break ${nameOf(harm)}, which does not fit it: ${harm.message} Change that object too. ${meanwhile(stored)}`,
      object: objectOf(key),
      ...(position && { position }),
    };
  }
}

/** What serves while the newest version does not. */
export function meanwhile(stored: StoredObject | undefined): string {
  if (stored?.good === undefined) return 'Until then the object is not served.';
  return `Until then its last good version, accepted ${new Date(stored.good.acceptedAt).toISOString()}, keeps serving.`;
}

function errorsOf(findings: readonly Problem[]): Problem[] {
  return findings.filter(isError);
}

function isError(problem: Problem): boolean {
  return problem.severity === 'error';
}

function keyOf(problem: Problem): ResourceKey | undefined {
  return problem.object && resourceKey(problem.object);
}

function nameOf(problem: Problem): string {
  const { kind, namespace, name } = problem.object ?? { kind: 'another object', namespace: '', name: '' };
  return namespace === '' ? `${kind} ${name}`.trim() : `${kind} ${namespace}/${name}`;
}

function objectOf(key: ResourceKey): { kind: string; namespace: string; name: string } {
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name };
}
