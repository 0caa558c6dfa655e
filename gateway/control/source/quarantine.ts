// Promises: which version of every object is built, so that a bad change serves nobody and hurts no other object.
// Never: does I/O, throws for a bad object, looks at objects that neither changed nor wait.
// Called by: the controller before each publication (choose), and when all workers serve what was chosen (accept).
//
// The rule, in order:
// 1. A version that cannot be read (syntax, schema) is not taken; the last good version stays.
// 2. A changed version with an error against the other objects (an unknown subset or host) that the version it replaces
//    does not have is not taken; the last good one stays. It is tried again with every change that could cure it, so
//    that the order of edits does not matter.
//    The same holds for a VirtualService that now leads to a destination without any ready endpoint: it waits for the
//    endpoints, but no longer than a minute, and is then served as written: a service may be scaled to nothing on purpose.
// 3. A changed version that gives ANOTHER object such an error (a DestinationRule that drops a subset in use; or one
//    changed together with a VirtualService whose own change is not taken) waits as well.
// 4. A new object has no version to go back to: with an error against others it is served as far as it resolves.
// 5. A deletion is always obeyed; what still refers to the deleted object is served as far as it resolves, with a Problem.
// 6. An object that may close hosts is always taken as it is newest: nothing older may keep them open.
// Good is what all workers have served.
import type { ObjectRef, Problem } from '../../snapshot/problem.ts';
import type { Steps } from '../../support/slices.ts';
import { isPolicyKey, type Resource, type ResourceKey, type ResourceKind, resourceKey } from '../resource/resource.ts';
import { isUsable, type ObjectStore, type StoredObject, type UsableVersion } from './object-store.ts';
import type { ObjectVersion } from './source.ts';

/** Where versions are tried out together: it holds the chosen ones, and takes changes back by the opposite change. */
export type Workbench = {
  apply(changes: Iterable<readonly [ResourceKey, Resource | undefined]>): void;
  readonly found: {
    /** Errors that were not there when `accept` was last called. */
    newErrors(): readonly Problem[];
    hasError(problem: Problem): boolean;
  };
  accept(): void;
  /** Destinations that a version which is set leads to, and which have no endpoint; not those of `before`. */
  newlyEmpty(resource: Resource, before: Resource): readonly string[];
};

/** A VirtualService waits at most so long for the endpoints of its destinations. */
export const ENDPOINTS_MS = 60_000;

export type QuarantineOptions = {
  readonly store: ObjectStore;
  readonly workbench: Workbench;
  /** Versions that a worker could not compile, with the Problem that says so. */
  readonly rejected: { get(version: ObjectVersion): Problem | undefined };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

/** So many objects are worked in without a pause. */
const GROUP = 250;

/** So many suspects are tried one by one; more wait together. */
const MAX_TRIALS = 8;

/**
 * Where requests can go, which changes all the time: no error of another object depends on it, only warnings, and the
 * waiting for endpoints. A check that makes an error of it would have to take its kind out of here.
 */
const HARMLESS: ReadonlySet<string> = new Set<ResourceKind>(['Pod', 'Endpoints', 'EndpointSlice', 'WorkloadEntry']);

export class Quarantine {
  readonly #store: ObjectStore;
  readonly #workbench: Workbench;
  readonly #rejected: QuarantineOptions['rejected'];
  readonly #now: () => number;
  /** What the workbench holds. */
  readonly #chosen = new Map<ResourceKey, UsableVersion>();
  /** Decided about since the last acceptance. */
  readonly #pending = new Set<ResourceKey>();
  /** Changed versions that are taken, are not good yet, and could be turned down. */
  readonly #changed = new Set<ResourceKey>();
  /** Objects whose newest version is not the chosen one, and since when. */
  readonly #quarantined = new Map<ResourceKey, number>();
  /** Those of them that another object's change may bring forward. */
  readonly #waiting = new Set<ResourceKey>();
  /** Versions that wait for endpoints, and until when; also those whose time is over. */
  readonly #patience = new Map<ResourceKey, { readonly fingerprint: string; readonly until: number }>();
  /** Of objects: unreadable, refused, not taken, waiting. */
  readonly #problems = new Map<ResourceKey, readonly Problem[]>();
  /** The workbench knows which errors are served. After a start nobody does. */
  #hasStanding = false;
  #revision = 0;

  constructor({ store, workbench, rejected, now }: QuarantineOptions) {
    this.#store = store;
    this.#workbench = workbench;
    this.#rejected = rejected;
    this.#now = now;
  }

  /**
   * Decides about everything that was touched, and about what waits for it; the workbench then holds the choice. In steps:
   * ten thousand objects at once take seconds, and others want to be heard meanwhile.
   */
  *choose(): Steps<void> {
    const touched = this.#store.takeTouched();
    const keys = new Set(touched);
    // Endpoints bring forward what waits for them, and thereby what waits for that.
    if (this.waitsUntil !== undefined || touched.values().some(mayCure)) for (const key of this.#waiting) keys.add(key);
    try {
      for (const group of groupsOf([...keys].sort())) {
        this.#workbench.apply(group.map((key) => this.#begin(key)));
        yield;
      }
      this.#turnDownErroneous();
      this.#turnDownEmpty();
      this.#turnDownHarmful();
    } catch (error) {
      // A defect of ours: nothing was decided.
      for (const key of keys) this.#store.touch(key);
      throw error;
    }
  }

  /** When to choose again though nothing is touched: somebody has waited long enough. Undefined: nobody waits. */
  get waitsUntil(): number | undefined {
    const times = [...this.#patience].flatMap(([key, { until }]) => (this.#waiting.has(key) ? [until] : []));
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** All workers serve the choice: it is good. */
  accept(now: number): void {
    this.#store.accept(this.pending(), now);
    this.#pending.clear();
    this.#changed.clear();
    this.#workbench.accept();
    this.#hasStanding = true;
  }

  /** Versions that were chosen since the last acceptance. */
  *pending(): Generator<UsableVersion> {
    for (const key of this.#pending) {
      const version = this.#chosen.get(key);
      if (version !== undefined) yield version;
    }
  }

  /** The version of an object that is chosen. */
  chosen(key: ResourceKey): UsableVersion | undefined {
    return this.#chosen.get(key);
  }

  /** True when the newest version of an object is not the one that is chosen. */
  isQuarantined(key: ResourceKey): boolean {
    return this.#quarantined.has(key);
  }

  /** Since when that is so, as far as this process knows; milliseconds since the epoch. */
  quarantinedSince(key: ResourceKey): number | undefined {
    return this.#quarantined.get(key);
  }

  /** Of objects that are not served as they are written, and of what was read with a warning. */
  *problems(): Generator<Problem> {
    for (const problems of this.#problems.values()) yield* problems;
  }

  /** Grows when a problem or what is quarantined may be another. */
  get revision(): number {
    return this.#revision;
  }

  /** Rule 1. */
  #begin(key: ResourceKey): readonly [ResourceKey, Resource | undefined] {
    const { newest, good } = this.#store.get(key) ?? {};
    const taken = [newest, good?.version].find((version) => this.#isServable(version));
    const problems = (newest?.problems ?? []).map((problem) =>
      isError(problem) && taken !== newest ? this.#decorated(key, problem) : problem,
    );
    const rejected = newest && this.#rejected.get(newest);
    this.#say(key, rejected === undefined ? problems : [...problems, rejected]);
    this.#setQuarantined(key, newest !== undefined && taken !== newest);
    this.#waiting.delete(key);
    this.#pending.add(key);
    this.#changed.delete(key);
    if (!isUsable(taken)) {
      this.#chosen.delete(key);
      return [key, undefined];
    }
    this.#chosen.set(key, taken);
    const isChanged = good !== undefined && taken.fingerprint !== good.version.fingerprint;
    if (isChanged && !isPolicyKey(key)) this.#changed.add(key);
    return [key, taken.resource];
  }

  #isServable(version: ObjectVersion | undefined): boolean {
    return isUsable(version) && this.#rejected.get(version) === undefined;
  }

  /** Rule 2. An error that the good version has as well by now (a new Gateway exposes both) is no reason to go back. */
  #turnDownErroneous(): void {
    const errors = Map.groupBy(this.#newErrors(), keyOf);
    const suspects = [...errors.keys()].filter((key) => this.#changed.has(key));
    if (suspects.length === 0) return;
    this.#workbench.apply(this.#resourcesOf(suspects, (key) => this.#store.get(key)?.good?.version));
    const noBetter: ResourceKey[] = [];
    for (const key of suspects) {
      const cured = errors.get(key)?.filter((problem) => !this.#workbench.found.hasError(problem)) ?? [];
      for (const problem of cured)
        this.#add(key, this.#decorated(key, { ...problem, message: `Not taken: ${problem.message}` }));
      if (cured.length > 0) this.#goBack(key);
      else noBetter.push(key);
    }
    this.#workbench.apply(this.#resourcesOf(noBetter, (key) => this.#chosen.get(key)));
  }

  /** Rule 2, of endpoints. */
  #turnDownEmpty(): void {
    for (const key of this.#patience.keys()) if (!this.#changed.has(key)) this.#patience.delete(key);
    const back = [...this.#changed].flatMap((key) => {
      const version = this.#chosen.get(key);
      const good = this.#store.get(key)?.good?.version;
      if (version?.resource.kind !== 'VirtualService' || good === undefined) return [];
      const empty = this.#workbench.newlyEmpty(version.resource, good.resource);
      if (empty.length === 0 || this.#hasWaited(key, version)) return [];
      return [{ key, good, problem: this.#waitingFor(key, empty) }];
    });
    for (const { key, problem } of back) {
      this.#goBack(key);
      this.#add(key, problem);
    }
    this.#workbench.apply(back.map(({ key, good }) => [key, good.resource]));
  }

  /** The time of a version begins when it is first seen to wait. */
  #hasWaited(key: ResourceKey, { fingerprint }: UsableVersion): boolean {
    const known = this.#patience.get(key);
    const until = known?.fingerprint === fingerprint ? known.until : this.#now() + ENDPOINTS_MS;
    this.#patience.set(key, { fingerprint, until });
    return this.#now() >= until;
  }

  /** Rule 3. */
  #turnDownHarmful(): void {
    if (this.#harm().length === 0) return;
    const suspects = [...this.#changed].filter((key) => !HARMLESS.has(kindOf(key))).sort();
    if (suspects.length > MAX_TRIALS) this.#tryWithout(suspects);
    else for (const key of suspects) this.#tryWithout([key]);
  }

  /** Turns the suspects down if that cures an error of another object. */
  #tryWithout(suspects: readonly ResourceKey[]): void {
    const harm = this.#harm();
    if (harm.length === 0) return;
    this.#workbench.apply(this.#resourcesOf(suspects, (key) => this.#store.get(key)?.good?.version));
    const cured = harm.find((problem) => !this.#workbench.found.hasError(problem));
    if (cured === undefined) {
      this.#workbench.apply(this.#resourcesOf(suspects, (key) => this.#chosen.get(key)));
      return;
    }
    for (const key of suspects) {
      this.#goBack(key);
      this.#add(key, this.#harmOf(key, cured));
    }
  }

  /** New errors of objects that did not change themselves (or whose change is not taken). */
  #harm(): Problem[] {
    return this.#newErrors().filter((problem) => {
      const key = keyOf(problem);
      const good = this.#store.get(key)?.good;
      return good !== undefined && this.#chosen.get(key)?.fingerprint === good.version.fingerprint;
    });
  }

  /** Errors that what is served does not have. */
  #newErrors(): readonly Problem[] {
    if (this.#changed.size === 0) return [];
    if (!this.#hasStanding && this.#workbench.found.newErrors().length > 0) this.#findStanding();
    return this.#workbench.found.newErrors();
  }

  /** After a start nobody knows what was wrong before: the good versions tell. */
  #findStanding(): void {
    const changed = [...this.#changed];
    this.#workbench.apply(this.#resourcesOf(changed, (key) => this.#store.get(key)?.good?.version));
    this.#workbench.accept();
    this.#workbench.apply(this.#resourcesOf(changed, (key) => this.#chosen.get(key)));
    this.#hasStanding = true;
  }

  #resourcesOf(
    keys: readonly ResourceKey[],
    versionOf: (key: ResourceKey) => UsableVersion | undefined,
  ): (readonly [ResourceKey, Resource])[] {
    return keys.flatMap((key) => {
      const version = versionOf(key);
      return version === undefined ? [] : [[key, version.resource] as const];
    });
  }

  #goBack(key: ResourceKey): void {
    const good = this.#store.get(key)?.good;
    if (good === undefined) return;
    this.#chosen.set(key, good.version);
    this.#changed.delete(key);
    this.#waiting.add(key);
    this.#setQuarantined(key, true);
  }

  #setQuarantined(key: ResourceKey, is: boolean): void {
    if (is === this.#quarantined.has(key)) return;
    if (is) this.#quarantined.set(key, this.#now());
    else this.#quarantined.delete(key);
    this.#revision += 1;
  }

  /** Replaces what is said about an object. */
  #say(key: ResourceKey, problems: readonly Problem[]): void {
    if (problems.length === 0 && !this.#problems.delete(key)) return;
    if (problems.length > 0) this.#problems.set(key, problems);
    this.#revision += 1;
  }

  #add(key: ResourceKey, problem: Problem): void {
    this.#say(key, [...(this.#problems.get(key) ?? []), problem]);
  }

  #decorated(key: ResourceKey, problem: Problem): Problem {
    return { ...problem, message: `${problem.message} ${meanwhile(this.#store.get(key))}` };
  }

  #waitingFor(key: ResourceKey, empty: readonly string[]): Problem {
    const stored = this.#store.get(key);
    const position = stored?.newest?.position;
    const until = new Date(this.#patience.get(key)?.until ?? 0).toISOString();
    return {
      severity: 'error',
      code: 'MG1007',
      message: `Not taken yet: ${empty.join(', ')} ${empty.length === 1 ? 'has' : 'have'} no ready endpoint. It is served as soon as there is one, and at ${until} in any case. ${meanwhile(stored)}`,
      object: objectRefOf(key),
      ...(position && { position }),
    };
  }

  #harmOf(key: ResourceKey, harm: Problem): Problem {
    const stored = this.#store.get(key);
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

/** True when a change of this object may end somebody's error. */
function mayCure(key: ResourceKey): boolean {
  return !HARMLESS.has(kindOf(key));
}

/**
 * In parts that take some milliseconds each. What routes lead to comes first: it costs little until there are routes, so
 * that nothing is built twice. Few objects are one part.
 */
function groupsOf(keys: readonly ResourceKey[]): (readonly ResourceKey[])[] {
  if (keys.length <= GROUP) return [keys];
  const isRoute = (key: ResourceKey): boolean => kindOf(key) === 'VirtualService';
  const ordered = [...keys.filter((key) => !isRoute(key)), ...keys.filter(isRoute)];
  const groups: ResourceKey[][] = [];
  for (let begin = 0; begin < ordered.length; begin += GROUP) groups.push(ordered.slice(begin, begin + GROUP));
  return groups;
}

function kindOf(key: ResourceKey): string {
  return key.slice(0, key.indexOf('/'));
}

function isError(problem: Problem): boolean {
  return problem.severity === 'error';
}
