import type { Condition } from './conditions.ts';
import type { RequestView } from './request-view.ts';

/** One match block of one route, at its place in the order in which a linear matcher would try it. */
export type Candidate<R> = {
  readonly order: number;
  readonly conditions: readonly Condition[];
  readonly route: R;
};

/** Candidates that share a URI condition, in order. */
export type CandidateList<R> = readonly Candidate<R>[];

/** Orders candidates and drops what can never be reached: everything after the first without conditions. */
export function toCandidateList<R>(candidates: readonly Candidate<R>[]): CandidateList<R> {
  const ordered = candidates.toSorted((a, b) => a.order - b.order);
  const last = ordered.findIndex((candidate) => candidate.conditions.length === 0);
  return last === -1 ? ordered : ordered.slice(0, last + 1);
}

/** The first of `list` that matches and comes before `best`, or `best`. */
export function earlierMatch<R>(
  list: CandidateList<R>,
  request: RequestView,
  best: Candidate<R> | undefined,
): Candidate<R> | undefined {
  for (const candidate of list) {
    if (best !== undefined && candidate.order > best.order) return best;
    if (holds(candidate.conditions, request)) return candidate;
  }
  return best;
}

function holds(conditions: readonly Condition[], request: RequestView): boolean {
  for (const condition of conditions) if (!condition(request)) return false;
  return true;
}
