import type { Problem } from '../../../snapshot/problem.ts';
import type { HttpMatch, HttpRule } from '../istio/virtual-service.ts';
import type { VirtualServiceResource } from '../resource.ts';
import { problemAbout } from './finding.ts';

/** Rules that come after one which takes all their requests. */
export function checkRuleOrder(service: VirtualServiceResource): Problem[] {
  const { http, gateways } = service.spec;
  // What no edge serves cannot be wrong at the edge.
  if (http.length < 2 || gateways.every((name) => name === 'mesh')) return [];
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  let catchAll: number | undefined;
  for (const rule of http) {
    const conditions = conditionsOf(rule);
    const earlier = catchAll ?? seen.get(conditions);
    if (earlier !== undefined) problems.push(unreachable(service, rule, earlier, catchAll !== undefined));
    else seen.set(conditions, rule.index);
    if (catchAll === undefined && takesAll(rule)) catchAll = rule.index;
  }
  return problems;
}

function unreachable(service: VirtualServiceResource, rule: HttpRule, earlier: number, all: boolean): Problem {
  const why = all
    ? `http[${earlier}] before it takes every request`
    : `http[${earlier}] before it has the same conditions`;
  return problemAbout(service, ['spec', 'http', rule.index], {
    severity: 'warning',
    code: 'IST0130',
    message: `This rule never matches: ${why}. Move it up, or remove it.`,
  });
}

function conditionsOf(rule: HttpRule): string {
  return JSON.stringify(rule.matches.map(({ index: _index, ...conditions }) => conditions));
}

function takesAll(rule: HttpRule): boolean {
  return rule.matches.length === 0 || rule.matches.some(isCatchAll);
}

/** Istio's IsCatchAllRoute: no condition but a path that every request has. */
function isCatchAll(match: HttpMatch): boolean {
  const { uri, headers, withoutHeaders, queryParams } = match;
  if (headers.length + withoutHeaders.length + queryParams.length > 0) return false;
  if (match.scheme ?? match.method ?? match.authority ?? match.port ?? match.gateways) return false;
  if (uri === undefined || uri.kind === 'present') return true;
  return (uri.kind === 'prefix' && uri.value === '/') || (uri.kind === 'regex' && uri.value === '.*');
}
