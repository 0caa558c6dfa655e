/**
 * What must hold after every round, said without looking at how it is decided: each question is put to worlds that are made
 * anew from whole versions.
 */
import assert from 'node:assert/strict';
import type { GatewayIdentity } from '#gateway/control/build/builder.ts';
import { tellingCodes } from '#gateway/control/resource/codes.ts';
import { POLICY_KINDS, type ResourceKey, resourceKey } from '#gateway/control/resource/resource.ts';
import { isUsable, type UsableVersion } from '#gateway/control/source/object-store.ts';
import { keyOf } from '#gateway/control/source/quarantine/notes.ts';
import { ENDPOINTS_MS } from '#gateway/control/source/quarantine/patience.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import type { SnapshotUnits } from '#gateway/snapshot/snapshot.ts';
import { evaluated, type Versions, type World, withVersions } from './world.ts';

type Evaluated = ReturnType<typeof evaluated>;

/** Where requests can go: nobody's configuration. */
const ENDPOINT_KINDS = ['Pod', 'Endpoints', 'EndpointSlice', 'WorkloadEntry', 'Node'];

/** The world before a round, for {@link checkRound} after it. */
export type Before = { readonly good: Versions; readonly served: Evaluated };

export function before(world: World, identity: GatewayIdentity): Before {
  const good = world.good();
  return { good, served: evaluated(identity, good) };
}

/** Everything that is promised of a round. */
export function checkRound(world: World, identity: GatewayIdentity, { good, served }: Before): void {
  new Round(world, identity, good, served).check();
}

class Round {
  readonly #world: World;
  readonly #identity: GatewayIdentity;
  readonly #chosen: Versions;
  readonly #good: Versions;
  readonly #served: Evaluated;
  readonly #now: Evaluated;

  constructor(world: World, identity: GatewayIdentity, good: Versions, served: Evaluated) {
    this.#world = world;
    this.#identity = identity;
    this.#chosen = world.chosen();
    // A deletion is always obeyed.
    this.#good = new Map([...good].filter(([key]) => world.newest.has(key) && !world.removed.has(key)));
    this.#served = served;
    this.#now = evaluated(identity, this.#chosen);
  }

  check(): void {
    this.#isWhatAFreshBuildGives();
    this.#takesWhatItCanOnly();
    this.#breaksNobody();
    this.#breaksNotItself();
    this.#emptiesNothing();
    this.#leadsNowhereEmpty();
    this.#holdsNothingInVain();
    this.#saysWhatWaits();
  }

  #isWhatAFreshBuildGives(): void {
    const { units, found } = this.#now;
    assert.equal(JSON.stringify(this.#world.units), JSON.stringify(units), 'units');
    assert.deepEqual(sorted(this.#world.found()), sorted(found), 'problems');
  }

  /** Every object is served in its newest version, or in its good one, or not at all. */
  #takesWhatItCanOnly(): void {
    for (const [key, version] of this.#world.newest) {
      const chosen = this.#chosen.get(key);
      const known = [version, this.#good.get(key)].map((one) => one?.fingerprint);
      assert.ok(chosen === undefined || known.includes(chosen.fingerprint), `${key} is an unknown version`);
      assert.equal(this.#world.quarantine.isQuarantined(key), chosen?.fingerprint !== version.fingerprint, key);
      if (isUsable(version) && isPolicy(key)) assert.equal(chosen, version, `${key} may guard hosts`);
    }
  }

  /** Changes that are taken, with what was there instead. */
  #taken(): [ResourceKey, UsableVersion | undefined][] {
    return [...this.#chosen].flatMap(([key, version]) => {
      const good = this.#good.get(key);
      return good?.fingerprint === version.fingerprint ? [] : [[key, good]];
    });
  }

  /** Nobody who was served has an error that goes when all changes are taken back. */
  #breaksNobody(): void {
    if (this.#good.size === 0) return;
    const news = newErrors(this.#now, this.#served).filter(
      ({ object }) => object && this.#good.has(resourceKey(object)),
    );
    if (news.length === 0) return;
    const configuration = this.#taken().filter(([key]) => !isEndpoint(key) && !isPolicy(key) && !isRoute(key));
    const without = evaluated(this.#identity, withVersions(this.#chosen, configuration));
    for (const problem of news) {
      const others = newErrors(without, this.#now).filter((one) => keyOf(one) === keyOf(problem));
      const isBetter = others.length === 0 && !hasError(without, problem);
      assert.ok(
        !isBetter || !isReached(this.#now, problem) || !isReached(without, problem),
        `${configuration.map(([key]) => key).join(', ')} break ${JSON.stringify(problem)}`,
      );
    }
  }

  /** A changed object has no error that it had not in its good version, as things are now. */
  #breaksNotItself(): void {
    for (const [key, good] of this.#taken()) {
      if (good === undefined || isPolicy(key)) continue;
      const own = newErrors(this.#now, this.#served).filter(({ object }) => object && resourceKey(object) === key);
      if (own.length === 0) continue;
      const without = evaluated(this.#identity, withVersions(this.#chosen, [[key, good]]));
      for (const problem of own)
        assert.ok(
          hasError(without, problem) || !isReached(this.#now, problem),
          `${key} is taken with ${JSON.stringify(problem)}`,
        );
    }
  }

  #hasWaited(key: ResourceKey): boolean {
    const fingerprint = this.#world.newest.get(key)?.fingerprint;
    const toldAt = this.#world.toldAt.get(`${key} ${fingerprint}`) ?? this.#world.now;
    return this.#world.now - toldAt >= ENDPOINTS_MS;
  }

  /** What had endpoints has some, unless it has none without the changes either, or they have waited. */
  #emptiesNothing(): void {
    if (this.#good.size === 0) return;
    const emptied = emptyClusters(this.#now.units).filter((key) => hasEndpoints(this.#served.units, key));
    if (emptied.length === 0) return;
    const backends = this.#taken().filter(([key]) => /^(DestinationRule|Service|ServiceEntry)\//.test(key));
    if (backends.length === 0 || backends.some(([key]) => this.#hasWaited(key))) return;
    const without = evaluated(this.#identity, withVersions(this.#chosen, backends));
    for (const key of emptied)
      assert.ok(!hasEndpoints(without.units, key), `${backends.map(([one]) => one).join(', ')} empty ${key}`);
  }

  /** A changed VirtualService leads to nothing new that is empty, unless it has waited. */
  #leadsNowhereEmpty(): void {
    for (const [key, good] of this.#taken()) {
      if (good?.resource.kind !== 'VirtualService' || this.#hasWaited(key)) continue;
      const without = evaluated(this.#identity, withVersions(this.#chosen, [[key, good]]));
      const known = clustersOf(without.units, key).union(clustersOf(this.#served.units, key));
      // Where a redirect or a closed host hides its routes, nobody sees where it leads.
      if (known.size === 0) continue;
      for (const cluster of clustersOf(this.#now.units, key))
        assert.ok(known.has(cluster) || hasEndpoints(this.#now.units, cluster), `${key} leads to the empty ${cluster}`);
    }
  }

  /** Whatever waits would do harm alone. */
  #holdsNothingInVain(): void {
    for (const [key, newest] of this.#world.newest) {
      if (!isUsable(newest) || this.#chosen.get(key)?.fingerprint === newest.fingerprint) continue;
      const withIt = evaluated(this.#identity, withVersions(this.#chosen, [[key, newest]]));
      const isHarmful = newErrors(withIt, this.#now).length > 0;
      const isEmpty = this.#findsNothing(key, withIt.units);
      assert.ok(isHarmful || (isEmpty && !this.#isOverdue(key)), `${key} waits for nothing`);
    }
  }

  /** It leads to something empty that it does not lead to now, or empties something. */
  #findsNothing(key: ResourceKey, units: SnapshotUnits): boolean {
    const [led, leads] = [clustersOf(this.#now.units, key), clustersOf(units, key)];
    const leadsNowhere = [...leads].some((cluster) => !led.has(cluster) && !hasEndpoints(units, cluster));
    return leadsNowhere || emptyClusters(units).some((cluster) => hasEndpoints(this.#now.units, cluster));
  }

  /** Waiting begins when it is first seen to be in vain; a minute later at the latest it ends. */
  #isOverdue(_key: ResourceKey): boolean {
    const { waitsUntil } = this.#world.quarantine;
    return waitsUntil === undefined || waitsUntil <= this.#world.now;
  }

  #saysWhatWaits(): void {
    const told = [...this.#world.quarantine.problems()].filter(({ severity }) => severity === 'error');
    for (const key of this.#world.newest.keys()) {
      if (!this.#world.quarantine.isQuarantined(key)) continue;
      const own = told.filter(({ object }) => object && resourceKey(object) === key);
      assert.ok(own.length > 0, `${key} waits and nothing says so`);
    }
    const waits = told.some(({ code }) => code === 'MG1007');
    assert.equal(this.#world.quarantine.waitsUntil !== undefined, waits, 'waitsUntil');
  }
}

function errorsOf({ found }: Evaluated): Problem[] {
  return found.filter(({ severity, code }) => severity === 'error' && !tellingCodes.has(code));
}

function idOf({ object, code, message }: Problem): string {
  return JSON.stringify([object, code, message]);
}

function newErrors(now: Evaluated, then: Evaluated): Problem[] {
  const known = new Set(errorsOf(then).map(idOf));
  return errorsOf(now).filter((problem) => !known.has(idOf(problem)));
}

function hasError(world: Evaluated, problem: Problem): boolean {
  return errorsOf(world).some((one) => idOf(one) === idOf(problem));
}

/** A VirtualService that reaches no listener cannot be broken. */
function isReached({ units }: Evaluated, { object }: Problem): boolean {
  if (object?.kind !== 'VirtualService') return true;
  return routesOf(units, resourceKey(object)).length > 0;
}

function routesOf({ virtualHosts }: SnapshotUnits, key: ResourceKey) {
  const name = key.slice('VirtualService/'.length);
  return Object.values(virtualHosts).flatMap(({ routes }) => routes.filter((route) => route.virtualService === name));
}

function clustersOf(units: SnapshotUnits, key: ResourceKey): Set<string> {
  return new Set(
    routesOf(units, key).flatMap(({ action }) =>
      action.kind === 'forward' ? action.destinations.map(({ cluster }) => cluster) : [],
    ),
  );
}

function hasEndpoints({ clusters }: SnapshotUnits, key: string): boolean {
  return (clusters[key]?.endpoints.length ?? 0) > 0;
}

function emptyClusters({ clusters }: SnapshotUnits): string[] {
  return Object.values(clusters).flatMap(({ key, endpoints }) => (endpoints.length === 0 ? [key] : []));
}

function sorted(problems: Iterable<Problem>): string[] {
  return [...problems].map((problem) => JSON.stringify(problem)).sort();
}

function isEndpoint(key: ResourceKey): boolean {
  return ENDPOINT_KINDS.some((kind) => key.startsWith(`${kind}/`));
}

function isRoute(key: ResourceKey): boolean {
  return key.startsWith('VirtualService/');
}

function isPolicy(key: ResourceKey): boolean {
  return POLICY_KINDS.some((kind) => key.startsWith(`${kind}/`));
}
