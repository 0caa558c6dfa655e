import type { NamedMatch, RouteMatch, StringMatch } from '../../snapshot/route.ts';
import { queryParameter } from './query-parameter.ts';
import type { RequestView } from './request-view.ts';
import { compileStringMatch } from './string-match.ts';

/** One compiled condition on a request, without the URI's (the index looks at that one first). */
export type Condition = (request: RequestView) => boolean;

/** All conditions of a block but `uri`, cheapest first; they are joined by AND. */
export function compileConditions(match: RouteMatch): Condition[] {
  return [
    ...portCondition(match.port),
    ...attribute(match.method, (request) => request.method),
    ...attribute(match.scheme, (request) => request.scheme),
    ...attribute(match.authority, (request) => request.host),
    ...match.headers.map(headerCondition),
    ...match.withoutHeaders.map(withoutHeaderCondition),
    ...match.queryParams.map(queryCondition),
  ];
}

function portCondition(port: number | undefined): Condition[] {
  return port === undefined ? [] : [(request) => request.port === port];
}

function attribute(match: StringMatch | undefined, read: (request: RequestView) => string): Condition[] {
  if (match === undefined || match.kind === 'present') return [];
  const test = compileStringMatch(match);
  return [(request) => test(read(request))];
}

/** An absent header never matches, whatever the pattern. */
function headerCondition({ name, match }: NamedMatch): Condition {
  const test = compileStringMatch(match);
  return (request) => {
    const value = request.header(name);
    return value !== undefined && test(value);
  };
}

/**
 * Envoy's inverted matcher as Istio (1.22 and later) sets it up: the inner condition must fail, and an absent header
 * is read as an empty value, so that a request without the header satisfies `withoutHeaders: {x: {exact: a}}`.
 * `present` fails for every header that is there, empty or not.
 */
function withoutHeaderCondition({ name, match }: NamedMatch): Condition {
  if (match.kind === 'present') return (request) => request.header(name) === undefined;
  const test = compileStringMatch(match);
  return (request) => !test(request.header(name) ?? '');
}

function queryCondition({ name, match }: NamedMatch): Condition {
  const test = compileStringMatch(match);
  return (request) => {
    const value = queryParameter(request.query, name);
    return value !== undefined && test(value);
  };
}
