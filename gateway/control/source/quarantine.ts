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
// 3. A version that gives ANOTHER object such an error (a DestinationRule that drops a subset in use, a new one that is
//    found before the one with the subset) waits as well; and so does, a minute at most, one that takes the last endpoint
//    from what traffic leads to (other labels of a subset).
// 4. A new object has no version to go back to: with an error of its own it is served as far as it resolves. If it does
//    harm to others, it is not served.
// 5. A deletion is always obeyed; what still refers to the deleted object is served as far as it resolves, with a Problem.
// 6. What may guard hosts is never turned down for the sake of others: an older version might open what the newest closes.
// Good is what all workers have served.
import type { Problem } from '../../snapshot/problem.ts';
import type { Steps } from '../../support/slices.ts';
import { type Resource, type ResourceKey, resourceKey } from '../resource/resource.ts';
import type { ObjectStore, UsableVersion } from './object-store.ts';
import { Choice } from './quarantine/choice.ts';
import { findCulprits } from './quarantine/culprits.ts';
import { isEndpoints, isGateway, isLeanedOn, isSelecting, isVirtualService } from './quarantine/kinds.ts';
import { keyOf, Notes, type Rejected } from './quarantine/notes.ts';
import { Patience } from './quarantine/patience.ts';
import type { Workbench } from './quarantine/workbench.ts';

export type { Workbench } from './quarantine/workbench.ts';

export type QuarantineOptions = {
  readonly store: ObjectStore;
  readonly workbench: Workbench;
  readonly rejected: Rejected;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

/** Who waits for somebody who waits goes forward in the same choice, and who waits for that one. */
const MAX_WAVES = 3;

/** What went back in one decision is tried again in at most so many trials. */
const MAX_TRIALS = 100;

/** New errors of one object. */
type Harm = { readonly key: ResourceKey; readonly errors: readonly [Problem, ...(readonly Problem[])] };

export class Quarantine {
  readonly #store: ObjectStore;
  readonly #workbench: Workbench;
  readonly #notes: Notes;
  readonly #patience: Patience;
  readonly #choice: Choice;
  /** The workbench knows what is served. After a start nobody does. */
  #hasStanding = false;

  constructor({ store, workbench, rejected, now }: QuarantineOptions) {
    this.#store = store;
    this.#workbench = workbench;
    this.#notes = new Notes({ objects: store, rejected, now });
    this.#patience = new Patience(now);
    const isRejected = (version: Parameters<Rejected['get']>[0]): boolean => rejected.get(version) !== undefined;
    this.#choice = new Choice({ store, workbench, isRejected, notes: this.#notes, patience: this.#patience });
  }

  /**
   * Decides about everything that was touched, and about what waits for it; the workbench then holds the choice. In steps:
   * ten thousand objects at once take seconds, and others want to be heard meanwhile.
   */
  *choose(): Steps<void> {
    const decided = new Set<ResourceKey>();
    let keys = this.#withWaiting(this.#store.takeTouched());
    try {
      for (let wave = 0; wave < MAX_WAVES && (wave === 0 || this.#choice.waiting.size > 0); wave += 1) {
        const waited = new Set(this.#choice.waiting);
        for (const key of keys) decided.add(key);
        yield* this.#decide(keys, decided);
        if (waited.isSubsetOf(this.#choice.waiting)) return;
        // Some of them go forward now; others may have waited for that.
        keys = this.#tied();
      }
    } catch (error) {
      // A defect of ours: nothing was decided.
      for (const key of decided) this.#store.touch(key);
      throw error;
    }
  }

  /** When to choose again though nothing is touched: somebody has waited long enough. Undefined: nobody waits. */
  get waitsUntil(): number | undefined {
    return this.#patience.until;
  }

  /** All workers serve the choice: it is good. */
  accept(now: number): void {
    this.#choice.accept(now);
    this.#notes.accept();
    this.#workbench.accept();
    this.#hasStanding = true;
  }

  /** Versions that were chosen since the last acceptance. */
  pending(): Iterable<UsableVersion> {
    return this.#choice.pending();
  }

  /** The version of an object that is chosen. */
  chosen(key: ResourceKey): UsableVersion | undefined {
    return this.#choice.get(key);
  }

  /**
   * Sentences that say what a version of a served object would wait for. Between two choices only: it is tried on the
   * workbench, and taken back.
   */
  objections(resource: Resource): readonly string[] {
    const key = resourceKey(resource);
    const held = this.#choice.get(key)?.resource;
    const known = new Set(this.#workbench.found.newErrors().map(saying));
    const ledTo = this.#workbench.clustersOf(key);
    this.#workbench.apply([[key, resource]]);
    const errors = this.#workbench.found
      .newErrors()
      .filter((error) => keyOf(error) === key && !known.has(saying(error)));
    const empty = [...this.#workbench.clustersOf(key)].filter(
      (cluster) => !ledTo.has(cluster) && this.#workbench.hasEndpoints(cluster) === false,
    );
    this.#workbench.apply([[key, held]]);
    if (errors.length > 0) return errors.map(({ message }) => message);
    return empty.sort().map((cluster) => `${cluster} has no ready endpoint.`);
  }

  /** True when the newest version of an object is not the one that is chosen. */
  isQuarantined(key: ResourceKey): boolean {
    return this.#notes.isQuarantined(key);
  }

  /** Since when that is so, as far as this process knows; milliseconds since the epoch. */
  quarantinedSince(key: ResourceKey): number | undefined {
    return this.#notes.quarantinedSince(key);
  }

  /** Of objects that are not served as they are written, and of what was read with a warning. */
  problems(): Iterable<Problem> {
    return this.#notes.problems();
  }

  /** Grows when a problem or what is quarantined may be another. */
  get revision(): number {
    return this.#notes.revision;
  }

  /** With those that may go forward now. Where VirtualServices are bound is decided by Gateways, so then all are looked at. */
  #withWaiting(touched: ReadonlySet<ResourceKey>): ReadonlySet<ResourceKey> {
    const curing = [...touched].filter((key) => !isEndpoints(key));
    if (curing.length === 0 && this.#patience.waiting.size === 0) return touched;
    return touched.union(curing.some(isGateway) ? this.#choice.waiting : this.#tied());
  }

  /** Of those that wait: whoever waits for endpoints, and what others lean on, which may wait together with those. */
  #tied(): ReadonlySet<ResourceKey> {
    const others = [...this.#choice.waiting].filter((key) => !isVirtualService(key));
    return this.#patience.waiting.union(new Set(others));
  }

  /** VirtualServices that wait and that something they have looked at is another for. */
  #concerned(): ResourceKey[] {
    return [...this.#choice.waiting].filter((key) => {
      const resource = this.#choice.newest(key)?.resource;
      return isVirtualService(key) && resource !== undefined && !this.#workbench.isFresh(resource);
    });
  }

  *#decide(keys: ReadonlySet<ResourceKey>, decided: Set<ResourceKey>): Steps<void> {
    yield* this.#choice.begin(keys);
    const concerned = keys.values().every(isEndpoints) ? [] : this.#concerned();
    for (const key of concerned) decided.add(key);
    yield* this.#choice.join(concerned);
    // While nobody was served, nobody can be hurt.
    if (this.#store.size === 0) return;
    yield* this.#findStanding();
    const { turnedDown } = this.#choice;
    let before: number;
    do {
      before = turnedDown.size;
      yield* this.#turnDownErroneous();
      yield* this.#turnDownLeadingNowhere(this.#choice.changed);
      yield* this.#turnDownHarmful();
      yield* this.#turnDownEmptying(this.#choice.taken(isSelecting));
    } while (turnedDown.size > before);
    yield* this.#tryAgain();
  }

  /** After a start nobody knows what was wrong before, and what had endpoints: the good versions tell. */
  *#findStanding(): Steps<void> {
    if (this.#hasStanding) return;
    const taken = this.#choice.taken((key) => !isEndpoints(key));
    yield* this.#choice.takeBack(taken);
    this.#workbench.accept();
    yield* this.#choice.putForward(taken);
    this.#hasStanding = true;
  }

  /** Rule 2. An error that the good version has as well by now (a new Gateway exposes both) is no reason to go back. */
  *#turnDownErroneous(): Steps<void> {
    if (this.#choice.changed.size === 0) return;
    const errors = Map.groupBy(this.#workbench.found.newErrors(), keyOf);
    const suspects = [...errors.keys()].filter((key) => this.#choice.changed.has(key));
    yield* this.#turnDownIf(suspects, (key) => {
      const cured = errors.get(key)?.filter((problem) => !this.#workbench.found.hasError(problem)) ?? [];
      return cured.length === 0 ? undefined : () => this.#notes.addErroneous(key, cured);
    });
  }

  /** Rule 2, of endpoints. To lead where the good version leads as well is no reason to wait. */
  *#turnDownLeadingNowhere(keys: Iterable<ResourceKey>): Steps<void> {
    const empty = new Map([...keys].map((key) => [key, this.#emptyDestinations(key)]));
    const suspects = [...empty.keys()].filter((key) => empty.get(key)?.length);
    yield* this.#turnDownIf(suspects, (key) => {
      const { fingerprint } = this.#choice.get(key) as UsableVersion;
      const known = this.#workbench.clustersOf(key);
      const news = empty.get(key)?.filter((cluster) => !known.has(cluster)) ?? [];
      if (news.length === 0) return undefined;
      return () => this.#notes.addLeadingNowhere(key, news, this.#patience.wait(key, fingerprint));
    });
  }

  /** Clusters without endpoints that a VirtualService leads to and may still wait for. */
  #emptyDestinations(key: ResourceKey): readonly string[] {
    const version = this.#choice.get(key);
    if (version === undefined || this.#patience.isOver(key, version.fingerprint)) return [];
    const clusters = [...this.#workbench.clustersOf(key)];
    return clusters.filter((cluster) => this.#workbench.hasEndpoints(cluster) === false).sort();
  }

  /** Looks at each suspect while all of them are taken back; who has a reason stays so, and says it. */
  *#turnDownIf(
    suspects: readonly ResourceKey[],
    reasonOf: (key: ResourceKey) => (() => void) | undefined,
  ): Steps<void> {
    yield* this.#choice.takeBack(suspects);
    const reasons = suspects.map((key) => [key, reasonOf(key)] as const);
    for (const [key, reason] of reasons) if (reason !== undefined) this.#choice.turnDown(key, reason);
    yield* this.#choice.putForward(reasons.flatMap(([key, reason]) => (reason === undefined ? [key] : [])));
  }

  /**
   * Rule 3. It must be better without the change: whom it merely exposes, or who is broken otherwise, is not hurt by it. Who
   * has changed as well and is hurt in either version is looked at in the good one: the new one may need what hurts it.
   */
  *#turnDownHarmful(): Steps<void> {
    const suspects = this.#choice.taken(isLeanedOn);
    const changed = suspects.length === 0 ? [] : this.#harm().map(({ key }) => key);
    const hurt = changed.filter((key) => this.#choice.changed.has(key) && !isLeanedOn(key));
    yield* findCulprits(suspects, {
      takeBack: (keys) => this.#choice.takeBack([...keys, ...hurt]),
      putForward: (keys) => this.#choice.putForward([...keys, ...hurt]),
      complaints: () => this.#harm(),
      settled: (harm) => {
        const left = Map.groupBy(this.#workbench.found.newErrors(), keyOf);
        return harm.find(({ key, errors }) => this.#workbench.isReached(key) && isSmaller(left.get(key) ?? [], errors));
      },
      convict: (key, { errors: [error] }) => this.#choice.turnDown(key, () => this.#notes.addHarm(key, error)),
    });
    yield* this.#choice.putForward(hurt);
  }

  /** Rule 3, of endpoints. */
  *#turnDownEmptying(keys: readonly ResourceKey[]): Steps<void> {
    const suspects = keys.filter((key) => !this.#hasWaited(key));
    yield* findCulprits(suspects, {
      takeBack: (some) => this.#choice.takeBack(some),
      putForward: (some) => this.#choice.putForward(some),
      complaints: () => this.#workbench.emptied(),
      settled: (clusters) => clusters.find((cluster) => this.#workbench.hasEndpoints(cluster)),
      convict: (key, cluster) => {
        const fingerprint = this.#choice.get(key)?.fingerprint ?? '';
        this.#choice.turnDown(key, () => this.#notes.addEmptying(key, cluster, this.#patience.wait(key, fingerprint)));
      },
    });
  }

  #hasWaited(key: ResourceKey): boolean {
    return this.#patience.isOver(key, this.#choice.get(key)?.fingerprint ?? '');
  }

  /** New errors of whoever is served: those that going back has not cured come from others. */
  #harm(): Harm[] {
    const errors = Map.groupBy(this.#workbench.found.newErrors(), keyOf);
    return [...errors].flatMap(([key, [first, ...more]]) =>
      first === undefined || !this.#isServed(key) ? [] : [{ key, errors: [first, ...more] as const }],
    );
  }

  #isServed(key: ResourceKey): boolean {
    return this.#choice.good(key) !== undefined && this.#workbench.isReached(key);
  }

  /** What went back beside something that others lean on may be well without that one. */
  *#tryAgain(): Steps<void> {
    const { turnedDown } = this.#choice;
    if (turnedDown.size < 2 || ![...turnedDown.keys()].some(isLeanedOn)) return;
    const budget = { trials: MAX_TRIALS };
    for (;;) if (!(yield* this.#tryForward([...turnedDown.keys()].sort(), budget))) return;
  }

  /** Takes those that do no harm; true when there are some. */
  *#tryForward(keys: readonly ResourceKey[], budget: { trials: number }): Steps<boolean> {
    if (keys.length === 0 || budget.trials <= 0) return false;
    budget.trials -= 1;
    const [errors, gaps] = [this.#errors(keys), this.#gaps(keys)];
    const versions = this.#choice.retake(keys);
    yield;
    const isInOrder = this.#errors(keys).isSubsetOf(errors);
    if (isInOrder && this.#gaps(keys).isSubsetOf(gaps)) return true;
    const [only] = keys.length === 1 ? keys : [];
    if (only !== undefined && isInOrder) return yield* this.#letWait(only);
    this.#choice.turnDownAgain(versions);
    yield;
    if (only !== undefined) return false;
    const middle = keys.length >> 1;
    const isSomeInFirst = yield* this.#tryForward(keys.slice(0, middle), budget);
    return (yield* this.#tryForward(keys.slice(middle), budget)) || isSomeInFirst;
  }

  /** Endpoints are all that it lacks: its time begins. True when that is over. */
  *#letWait(key: ResourceKey): Steps<boolean> {
    yield* isVirtualService(key) ? this.#turnDownLeadingNowhere([key]) : this.#turnDownEmptying([key]);
    return !this.#choice.turnedDown.has(key);
  }

  /** New errors of whoever is served, and of those that are tried. */
  #errors(keys: readonly ResourceKey[]): Set<string> {
    const tried = new Set(keys.filter((key) => this.#choice.good(key) !== undefined));
    const errors = this.#workbench.found.newErrors().filter((error) => {
      const key = keyOf(error);
      return tried.has(key) || this.#isServed(key);
    });
    return new Set(errors.map((error) => `${keyOf(error)} ${saying(error)}`));
  }

  /** Where endpoints are missing. */
  #gaps(keys: readonly ResourceKey[]): Set<string> {
    return new Set([...this.#workbench.emptied(), ...keys.flatMap((key) => this.#emptyDestinations(key))]);
  }
}

/** True when only some of the errors are left, and no other ones. */
function isSmaller(left: readonly Problem[], errors: readonly Problem[]): boolean {
  const known = new Set(errors.map(saying));
  return left.length < errors.length && left.every((error) => known.has(saying(error)));
}

/** Wherever in the object it stands. */
function saying({ code, message }: Problem): string {
  return `${code} ${message}`;
}
