// Promises: one version of every object, held by the workbench: the newest that can be read, or the good one, or none.
// Never: decides who goes back; that is the quarantine's.
// Called by: the quarantine.
import type { Steps } from '../../../support/slices.ts';
import { isPolicyKey, type Resource, type ResourceKey } from '../../resource/resource.ts';
import { isUsable, type ObjectStore, type UsableVersion } from '../object-store.ts';
import type { ObjectVersion } from '../source.ts';
import { isVirtualService } from './kinds.ts';
import type { Notes } from './notes.ts';
import type { Patience } from './patience.ts';
import type { Workbench } from './workbench.ts';

/** So many objects are worked in without a pause. */
const GROUP = 250;

type ChoiceOptions = {
  readonly store: ObjectStore;
  readonly workbench: Workbench;
  readonly isRejected: (version: ObjectVersion) => boolean;
  readonly notes: Notes;
  readonly patience: Patience;
};

/** A version that went back in the running decision, and what was said of it. */
type TurnedDown = { readonly version: UsableVersion; readonly say: () => void };

export class Choice {
  readonly #store: ObjectStore;
  readonly #workbench: Workbench;
  readonly #isRejected: ChoiceOptions['isRejected'];
  readonly #notes: Notes;
  readonly #patience: Patience;
  readonly #chosen = new Map<ResourceKey, UsableVersion>();
  /** Decided about since the last acceptance. */
  readonly #pending = new Set<ResourceKey>();
  readonly #changed = new Set<ResourceKey>();
  readonly #added = new Set<ResourceKey>();
  readonly #waiting = new Set<ResourceKey>();
  #turnedDown = new Map<ResourceKey, TurnedDown>();

  constructor({ store, workbench, isRejected, notes, patience }: ChoiceOptions) {
    this.#store = store;
    this.#workbench = workbench;
    this.#isRejected = isRejected;
    this.#notes = notes;
    this.#patience = patience;
  }

  /** The version of an object that is chosen. */
  get(key: ResourceKey): UsableVersion | undefined {
    return this.#chosen.get(key);
  }

  /** As its source has it. */
  newest(key: ResourceKey): ObjectVersion | undefined {
    return this.#store.get(key)?.newest;
  }

  /** The last version that was served. */
  good(key: ResourceKey): UsableVersion | undefined {
    return this.#store.get(key)?.good?.version;
  }

  /** Versions that were chosen since the last acceptance. */
  *pending(): Generator<UsableVersion> {
    for (const key of this.#pending) {
      const version = this.#chosen.get(key);
      if (version !== undefined) yield version;
    }
  }

  /** Objects whose changed version is taken, is not good yet, and could be turned down. */
  get changed(): ReadonlySet<ResourceKey> {
    return this.#changed;
  }

  /** Changed and new objects, sorted. */
  taken(isWanted: (key: ResourceKey) => boolean): ResourceKey[] {
    return [...this.#changed, ...this.#added].filter(isWanted).sort();
  }

  /** Objects whose newest version another object's change may bring forward. */
  get waiting(): ReadonlySet<ResourceKey> {
    return this.#waiting;
  }

  /** What went back since {@link begin}. */
  get turnedDown(): ReadonlyMap<ResourceKey, TurnedDown> {
    return this.#turnedDown;
  }

  /** Chooses the newest version that can be read, of each of these. */
  *begin(keys: Iterable<ResourceKey>): Steps<void> {
    this.#turnedDown = new Map();
    yield* this.join(keys);
  }

  /** Of these as well. */
  *join(keys: Iterable<ResourceKey>): Steps<void> {
    for (const group of inOrder([...keys].sort())) {
      this.#workbench.apply(group.map((key) => this.#take(key, this.#newestReadable(key))));
      yield;
    }
  }

  /** The objects go back to their good versions, and wait; `say` tells why. The workbench is told by whoever calls. */
  turnDown(key: ResourceKey, say: () => void): void {
    const version = this.#chosen.get(key);
    const good = this.good(key);
    if (version !== undefined) this.#turnedDown.set(key, { version, say });
    if (good === undefined) this.#chosen.delete(key);
    else this.#chosen.set(key, good);
    this.#changed.delete(key);
    this.#added.delete(key);
    this.#waiting.add(key);
    this.#notes.setQuarantined(key, true);
    say();
  }

  /** Takes versions that were turned down once more; undone by {@link turnDownAgain}. */
  retake(keys: readonly ResourceKey[]): TurnedDown[] {
    const versions = keys.flatMap((key) => this.#turnedDown.get(key) ?? []);
    this.#workbench.apply(versions.map(({ version }) => this.#take(version.key, version)));
    for (const key of keys) this.#turnedDown.delete(key);
    return versions;
  }

  turnDownAgain(versions: readonly TurnedDown[]): void {
    for (const { version, say } of versions) this.turnDown(version.key, say);
    this.#workbench.apply(this.#held(versions.map(({ version }) => version.key)));
  }

  /** The workbench holds the good versions of these, for a trial. */
  *takeBack(keys: readonly ResourceKey[]): Steps<void> {
    for (const group of inOrder(keys)) {
      this.#workbench.apply(group.map((key) => [key, this.good(key)?.resource] as const));
      yield;
    }
  }

  /** It holds the chosen ones again. */
  *putForward(keys: readonly ResourceKey[]): Steps<void> {
    for (const group of inOrder(keys)) {
      this.#workbench.apply(this.#held(group));
      yield;
    }
  }

  /** Everything that is chosen is served. */
  accept(now: number): void {
    this.#store.accept(this.pending(), now);
    this.#pending.clear();
    this.#changed.clear();
    this.#added.clear();
    this.#patience.keepOnly(this.#waiting);
  }

  #held(keys: readonly ResourceKey[]): (readonly [ResourceKey, Resource | undefined])[] {
    return keys.map((key) => [key, this.#chosen.get(key)?.resource] as const);
  }

  #newestReadable(key: ResourceKey): ObjectVersion | undefined {
    const { newest, good } = this.#store.get(key) ?? {};
    return [newest, good?.version].find((version) => isUsable(version) && !this.#isRejected(version));
  }

  #take(key: ResourceKey, taken: ObjectVersion | undefined): readonly [ResourceKey, Resource | undefined] {
    const { newest, good } = this.#store.get(key) ?? {};
    this.#notes.begin(key, newest, { isTaken: taken === newest });
    this.#patience.interrupt(key);
    this.#waiting.delete(key);
    this.#pending.add(key);
    this.#changed.delete(key);
    this.#added.delete(key);
    if (!isUsable(taken)) {
      this.#chosen.delete(key);
      return [key, undefined];
    }
    this.#chosen.set(key, taken);
    if (good === undefined) this.#added.add(key);
    else if (taken.fingerprint !== good.version.fingerprint && !isPolicyKey(key)) this.#changed.add(key);
    return [key, taken.resource];
  }
}

/**
 * In parts that take some milliseconds each. What others refer to comes before them, so that nothing is worked out twice:
 * Services before DestinationRules, and all before the routes, without which the rest costs little. Few objects are one part.
 */
function inOrder(keys: readonly ResourceKey[]): (readonly ResourceKey[])[] {
  if (keys.length <= GROUP) return [keys];
  const ordered = [0, 1, 2, 3].flatMap((rank) => keys.filter((key) => rankOf(key) === rank));
  const groups: ResourceKey[][] = [];
  for (let begin = 0; begin < ordered.length; begin += GROUP) groups.push(ordered.slice(begin, begin + GROUP));
  return groups;
}

function rankOf(key: ResourceKey): number {
  if (isVirtualService(key)) return 3;
  if (key.startsWith('DestinationRule/')) return 2;
  return key.startsWith('Service/') || key.startsWith('ServiceEntry/') ? 0 : 1;
}
