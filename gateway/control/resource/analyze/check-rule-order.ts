import type { Problem } from '../../../snapshot/problem.ts';
import type { HttpMatch, HttpRule } from '../istio/virtual-service.ts';
import type { VirtualServiceResource } from '../resource.ts';
import { isCatchAll, SeenBlocks } from './block-cover.ts';
import { problemAbout } from './finding.ts';

/** Rules and blocks that come after others which take all their requests. */
export function checkRuleOrder(service: VirtualServiceResource): Problem[] {
  const { http, gateways } = service.spec;
  // What no edge serves cannot be wrong at the edge.
  if (gateways.every((name) => name === 'mesh')) return [];
  const problems: Problem[] = [];
  const seen = new SeenBlocks();
  let catchAll: number | undefined;
  for (const rule of http) {
    if (catchAll === undefined) problems.push(...checkBlocks(service, rule, seen));
    else problems.push(unreachable(service, rule, `http[${catchAll}] before it takes every request`));
    if (catchAll === undefined && takesAll(rule)) catchAll = rule.index;
  }
  return problems;
}

/** One finding for a rule of whose blocks earlier rules leave nothing, else one for each idle block. */
function checkBlocks(service: VirtualServiceResource, rule: HttpRule, seen: SeenBlocks): Problem[] {
  const idle = rule.matches.flatMap((block) => {
    const earlier = seen.add(rule.index, block);
    return earlier === undefined ? [] : [{ block, earlier }];
  });
  const isIdle = rule.matches.length > 0 && idle.length === rule.matches.length;
  if (!isIdle) return idle.map(({ block, earlier }) => ineffective(service, rule, block, placeOf(earlier)));
  const rules = [...new Set(idle.map(({ earlier }) => `http[${earlier.rule}]`))];
  return [
    unreachable(service, rule, `${rules.join(' and ')} before it ${rules.length > 1 ? 'take' : 'takes'} its requests`),
  ];
}

function placeOf({ rule, block }: { readonly rule: number; readonly block: HttpMatch }): string {
  return `http[${rule}].match[${block.index}]`;
}

function unreachable(service: VirtualServiceResource, rule: HttpRule, why: string): Problem {
  return problemAbout(service, ['spec', 'http', rule.index], {
    severity: 'warning',
    code: 'IST0130',
    message: `This rule never matches: ${why}. Move it up, or remove it.`,
  });
}

function ineffective(service: VirtualServiceResource, rule: HttpRule, block: HttpMatch, earlier: string): Problem {
  return problemAbout(service, ['spec', 'http', rule.index, 'match', block.index], {
    severity: 'info',
    code: 'IST0131',
    message: `This block adds nothing: ${earlier} before it takes the same requests. Remove it.`,
  });
}

function takesAll(rule: HttpRule): boolean {
  return rule.matches.length === 0 || rule.matches.some(isCatchAll);
}
