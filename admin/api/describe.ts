import type { NamedMatch, RouteAction, RouteMatch, StringMatch } from '../../gateway/snapshot/route.ts';

/** One match block in words: `uri prefix /api and header end-user = jason`. */
export function describeMatch(match: RouteMatch): string {
  const parts = [
    ...single('uri', match.uri),
    ...single('scheme', match.scheme),
    ...single('method', match.method),
    ...single('authority', match.authority),
    ...named('header', match.headers),
    ...named('without header', match.withoutHeaders),
    ...named('query', match.queryParams),
    ...(match.port === undefined ? [] : [`port ${match.port}`]),
  ];
  return parts.length === 0 ? 'any' : parts.join(' and ');
}

/** What a rule answers by itself, in words; undefined when it forwards. */
export function describeAnswer(action: RouteAction): string | undefined {
  switch (action.kind) {
    case 'forward':
      return undefined;
    case 'direct-response':
      return `${action.status}`;
    case 'redirect':
      return describeRedirect(action);
  }
  return action satisfies never;
}

function describeRedirect({
  status,
  scheme,
  authority,
  port,
  path,
}: RouteAction & { readonly kind: 'redirect' }): string {
  const start = scheme === undefined ? '' : `${scheme}://`;
  const end = path === undefined ? '' : `${path.value}${path.kind === 'prefix' ? '...' : ''}`;
  return `${status} to ${start}${authority ?? '(same host)'}${port === undefined ? '' : `:${port}`}${end}`;
}

function single(what: string, match: StringMatch | undefined): string[] {
  return match === undefined ? [] : [`${what} ${describeString(match)}`];
}

function named(what: string, matches: readonly NamedMatch[]): string[] {
  return matches.map(({ name, match }) => `${what} ${name} ${describeString(match)}`);
}

function describeString({ kind, value, ignoreCase }: StringMatch): string {
  const suffix = ignoreCase ? ' (any case)' : '';
  if (kind === 'present') return 'is present';
  return kind === 'exact' ? `= ${value}${suffix}` : `${kind} ${value}${suffix}`;
}
