import type { Problem } from '../../../snapshot/problem.ts';
import type { HttpMatch, HttpRule } from '../istio/virtual-service.ts';
import type { VirtualServiceResource } from '../resource.ts';
import { problemAbout } from './finding.ts';

/** Rules and blocks that come after one which takes all their requests. */
export function checkRuleOrder(service: VirtualServiceResource): Problem[] {
  const { http, gateways } = service.spec;
  // What no edge serves cannot be wrong at the edge.
  if (gateways.every((name) => name === 'mesh')) return [];
  const problems: Problem[] = [];
  const rules = new Map<string, number>();
  const blocks = new Map<string, string>();
  let catchAll: number | undefined;
  for (const rule of http) {
    const conditions = rule.matches.map(conditionsOf).join();
    const earlier = catchAll ?? rules.get(conditions);
    if (earlier === undefined) {
      rules.set(conditions, rule.index);
      problems.push(...ineffectiveBlocks(service, rule, blocks));
    } else problems.push(unreachable(service, rule, earlier, catchAll !== undefined));
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

/** Blocks of a rule that is reached by its others. `seen` holds the conditions so far, with where they stand. */
function ineffectiveBlocks(service: VirtualServiceResource, rule: HttpRule, seen: Map<string, string>): Problem[] {
  const problems: Problem[] = [];
  let catchAll: string | undefined;
  for (const block of rule.matches) {
    const conditions = conditionsOf(block);
    const earlier = catchAll ?? seen.get(conditions);
    const place = `http[${rule.index}].match[${block.index}]`;
    if (earlier === undefined) seen.set(conditions, place);
    else problems.push(ineffective(service, rule, block, earlier));
    if (isCatchAll(block)) catchAll ??= place;
  }
  return problems;
}

function ineffective(service: VirtualServiceResource, rule: HttpRule, block: HttpMatch, earlier: string): Problem {
  return problemAbout(service, ['spec', 'http', rule.index, 'match', block.index], {
    severity: 'info',
    code: 'IST0131',
    message: `This block adds nothing: ${earlier} before it takes the same requests. Remove it.`,
  });
}

function conditionsOf({ index: _index, ...conditions }: HttpMatch): string {
  return JSON.stringify(conditions);
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
