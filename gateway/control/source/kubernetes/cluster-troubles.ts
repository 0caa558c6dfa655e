import type { Problem } from '../../../snapshot/problem.ts';
import type { ApiError } from '../../kubernetes/api-error.ts';
import { absent, held, unreachable, unreadable } from './cluster-problems.ts';
import type { WatchedKindState } from './watched-kind-state.ts';

type Failure = { readonly error: ApiError; readonly since: number };

/** What can keep a cluster's objects from being known. */
export type Troubles = {
  readonly location: string;
  readonly kinds: readonly WatchedKindState[];
  readonly discovery: Failure | undefined;
  readonly isKnown: boolean;
  /** False for a failure that has just begun. */
  readonly isLasting: (failure: Failure) => boolean;
};

/** One Problem for an outage of everything, else one for each place that cannot be read, is held, or does not exist. */
export function describeTroubles({ location, kinds, discovery, isKnown, isLasting }: Troubles): Problem[] {
  const problems: Problem[] = [];
  const outage = outageIn(kinds, discovery, isLasting);
  const objects = kinds.reduce((sum, { size }) => sum + size, 0);
  if (outage !== undefined) problems.push(unreachable(location, outage.error, objects));
  for (const { kind, scopes } of kinds) {
    for (const { namespace, size, failure, held: reason } of scopes.values()) {
      const place = { kind: kind.kind, namespace, objects: size };
      if (reason !== undefined) problems.push(held(place, reason));
      if (failure !== undefined && isLasting(failure) && !isOutage(failure))
        problems.push(unreadable(place, failure.error));
    }
  }
  const missing = isKnown
    ? kinds.filter(({ kind, presence }) => presence === 'absent' && kind.presence === 'needed')
    : [];
  const known = missing.reduce((sum, { size }) => sum + size, 0);
  if (missing.length > 0)
    problems.push(
      absent(
        missing.map(({ kind }) => kind.kind),
        known,
      ),
    );
  return problems;
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
  return error.status === 0;
}
