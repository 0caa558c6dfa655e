import type { StringMatch } from '../../snapshot/route.ts';
import { StringTable } from '../../support/string-table.ts';
import { type Candidate, type CandidateList, earlierMatch, toCandidateList } from './candidates.ts';
import { PrefixTable } from './prefix-table.ts';
import type { RequestView } from './request-view.ts';

/** A candidate together with the URI condition that files it; `undefined` is filed under "any path". */
export type FiledCandidate<R> = { readonly uri: StringMatch | undefined; readonly candidate: Candidate<R> };

/**
 * Finds the first matching candidate without trying the others: exact paths by a table, prefixes by a sorted table,
 * and only those without such a URI one after another. Each drawer is ordered, so the smallest order among the
 * drawers' first matches is what a linear search would have found.
 */
export class UriIndex<R> {
  readonly #sensitive: Drawers<R>;
  readonly #insensitive: Drawers<R>;
  readonly #others: CandidateList<R>;

  constructor(filed: readonly FiledCandidate<R>[]) {
    this.#sensitive = toDrawers(filed.filter(({ uri }) => isIndexed(uri) && !uri.ignoreCase));
    this.#insensitive = toDrawers(filed.filter(({ uri }) => isIndexed(uri) && uri.ignoreCase === true));
    this.#others = toCandidateList(filed.filter(({ uri }) => !isIndexed(uri)).map(({ candidate }) => candidate));
  }

  find(request: RequestView): R | undefined {
    let best: Candidate<R> | undefined;
    if (!this.#sensitive.empty) best = search(this.#sensitive, request.path, request, best);
    if (!this.#insensitive.empty) best = search(this.#insensitive, request.path.toLowerCase(), request, best);
    return earlierMatch(this.#others, request, best)?.route;
  }
}

type Drawers<R> = {
  readonly empty: boolean;
  readonly exact: StringTable<CandidateList<R>>;
  readonly prefixes: PrefixTable<CandidateList<R>>;
};

function isIndexed(uri: StringMatch | undefined): uri is StringMatch {
  return uri?.kind === 'exact' || uri?.kind === 'prefix';
}

function toDrawers<R>(filed: readonly FiledCandidate<R>[]): Drawers<R> {
  const exact = groupByUri(filed.filter(({ uri }) => uri?.kind === 'exact'));
  const prefixes = groupByUri(filed.filter(({ uri }) => uri?.kind === 'prefix'));
  return { empty: filed.length === 0, exact: new StringTable(exact), prefixes: new PrefixTable(prefixes) };
}

function groupByUri<R>(filed: readonly FiledCandidate<R>[]): Map<string, CandidateList<R>> {
  const groups = Map.groupBy(filed, ({ uri }) => uri?.value ?? '');
  return new Map([...groups].map(([value, group]) => [value, toCandidateList(group.map((one) => one.candidate))]));
}

function search<R>(
  drawers: Drawers<R>,
  path: string,
  request: RequestView,
  found: Candidate<R> | undefined,
): Candidate<R> | undefined {
  let best = found;
  const exact = drawers.exact.get(path);
  if (exact !== undefined) best = earlierMatch(exact, request, best);
  let node = drawers.prefixes.longest(path);
  while (node !== undefined) {
    best = earlierMatch(node.value, request, best);
    node = node.parent;
  }
  return best;
}
