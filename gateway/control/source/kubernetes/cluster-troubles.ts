import type { Problem } from '../../../snapshot/problem.ts';
import type { ApiError } from '../../kubernetes/api-error.ts';
import { OTHER_CLUSTER } from './cluster-identity.ts';
import {
  absent,
  dispensable,
  held,
  otherCluster,
  outdatedAccess,
  outdatedSecurity,
  type Place,
  strangeVersion,
  unreachable,
  unreadable,
} from './cluster-problems.ts';
import type { WatchedKindState } from './watched-kind-state.ts';
import type { WatchedScope } from './watched-scope.ts';

type Failure = { readonly error: ApiError; readonly since: number };

/** What can keep a cluster's objects from being known. */
export type Troubles = {
  readonly location: string;
  readonly kinds: readonly WatchedKindState[];
  readonly discovery: Failure | undefined;
  readonly accessFault: string | undefined;
  readonly isKnown: boolean;
  /** Groups of kinds that may guard hosts, of an Istio that is older than what is read here. */
  readonly outdated: readonly string[];
  /** Kinds that were never read and close hosts for it: told elsewhere, with what follows from it. */
  readonly unread: ReadonlySet<string>;
  /** False for a failure that has just begun. */
  readonly isLasting: (failure: Failure) => boolean;
};

/** One Problem for an outage of everything, else one for each reason, for each place that is held, and for kinds that do not exist. */
export function describeTroubles(troubles: Troubles): Problem[] {
  const { location, kinds, discovery, accessFault, isLasting } = troubles;
  const outage = outageIn(kinds, discovery, isLasting);
  const objects = kinds.reduce((sum, { size }) => sum + size, 0);
  return [
    ...(outage === undefined ? [] : [unreachable(location, outage.error, objects)]),
    ...(accessFault === undefined || outage?.error.reason === 'NoAccess' ? [] : [outdatedAccess(accessFault)]),
    ...(kinds.some(isOfAnother) ? [otherCluster(location, objects)] : []),
    ...refusals(troubles),
    ...holds(kinds),
    ...absences(troubles),
    ...strangeVersions(troubles),
    ...(troubles.outdated.length === 0 ? [] : [outdatedSecurity(troubles.outdated)]),
  ];
}

/** Kinds that fail alike are told together, and by themselves those without which traffic goes well. */
function refusals({ kinds, unread, isLasting }: Troubles): Problem[] {
  const told = kinds.filter(({ kind }) => !unread.has(kind.kind));
  const failing = [...placesOf(told)].flatMap(({ place, scope: { failure, kind } }) =>
    failure !== undefined && isLasting(failure) && failure.error.status !== 0
      ? [{ place, error: failure.error, without: failure.error.status === 403 ? kind.without : undefined }]
      : [],
  );
  const [grave, bearable] = [
    failing.filter(({ without }) => without === undefined),
    failing.filter(({ without }) => without !== undefined),
  ];
  return [
    ...toldTogether(grave),
    ...bearable.map(({ place, error, without = '' }) => dispensable(place, error, without)),
  ];
}

function toldTogether(failing: readonly { readonly place: Place; readonly error: ApiError }[]): Problem[] {
  const byStatus = Map.groupBy(failing, ({ error }) => error.status);
  return [...byStatus.values()].flatMap((alike) => {
    const [first] = alike;
    return first === undefined
      ? []
      : [
          unreadable(
            alike.map(({ place }) => place),
            first.error,
          ),
        ];
  });
}

function holds(kinds: readonly WatchedKindState[]): Problem[] {
  return [...placesOf(kinds)].flatMap(({ place, scope }) => (scope.held ? [held(place)] : []));
}

/** Kinds that nobody misses are told only if there were objects of them. */
function absences({ kinds, isKnown }: Troubles): Problem[] {
  if (!isKnown) return [];
  const missing = kinds.filter(
    ({ kind, presence, size }) => presence === 'absent' && (kind.presence === 'needed' || size > 0),
  );
  const [gone, never] = [missing.filter(({ size }) => size > 0), missing.filter(({ size }) => size === 0)];
  return [gone, never].flatMap((some) => {
    const objects = some.reduce((sum, { size }) => sum + size, 0);
    return some.length === 0
      ? []
      : [
          absent(
            some.map(({ kind }) => kind.kind),
            objects,
          ),
        ];
  });
}

/** Kinds that were read before; those that never were are told with what follows from it. */
function strangeVersions({ kinds, unread }: Troubles): Problem[] {
  const strange = kinds.filter(({ kind, presence }) => presence === 'unreadable' && !unread.has(kind.kind));
  return strange.map(({ kind, size }) => strangeVersion(kind, size));
}

function* placesOf(
  kinds: readonly WatchedKindState[],
): Generator<{ readonly place: Place; readonly scope: WatchedScope }> {
  for (const { kind, scopes } of kinds)
    for (const scope of scopes.values())
      yield { scope, place: { kind: kind.kind, namespace: scope.namespace, objects: scope.size } };
}

function outageIn(
  kinds: readonly WatchedKindState[],
  discovery: Failure | undefined,
  isLasting: Troubles['isLasting'],
): Failure | undefined {
  if (discovery !== undefined && isLasting(discovery)) return discovery;
  for (const { scopes } of kinds)
    for (const { failure } of scopes.values())
      if (failure !== undefined && isLasting(failure) && isOutage(failure)) return failure;
  return undefined;
}

/** No answer at all: the same for every kind. */
function isOutage({ error }: Failure): boolean {
  return error.status === 0 && error.reason !== OTHER_CLUSTER;
}

function isOfAnother({ failures }: WatchedKindState): boolean {
  return failures.some(({ error }) => error.reason === OTHER_CLUSTER);
}
