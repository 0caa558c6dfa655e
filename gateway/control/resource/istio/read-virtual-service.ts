// Promises: a VirtualService's spec, typed and normalised, with every fault in it reported at its place.
// Never: looks at other objects (analyze does), or takes a rule whose conditions it could not read.
// Called by: the kinds table.
import { defined } from '../defined.ts';
import type { At } from '../reader/at.ts';
import { listOf } from '../reader/collections.ts';
import { type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { durationMs, plainText } from '../reader/scalars.ts';
import { exportTo, hostPattern, orEverybody } from './host-values.ts';
import { directResponse, redirect } from './read-action.ts';
import { destinations } from './read-destinations.ts';
import { gatewayNames, httpMatch } from './read-match.ts';
import type { HttpAction, HttpMatch, HttpRule, VirtualServiceSpec } from './virtual-service.ts';

/** Istio's webhook refuses 0s, its older text lets it mean "none": so do we, and say it. */
const timeout: Reader<number | 'none'> = refine(durationMs, (value, at) => {
  if (value === 0) {
    at.report({
      severity: 'warning',
      code: 'MG0205',
      message: '0s is read as "no timeout". Istio itself refuses it: remove the field to mean the same.',
    });
    return 'none';
  }
  return value >= 1 && value <= 2 ** 31 - 1 ? value : at.report({ message: 'Use a timeout from 1ms to 596h.' });
});

const ruleFields = record({
  name: plainText,
  match: listOf(httpMatch),
  route: destinations,
  redirect,
  directResponse,
  timeout,
});

type RuleFields = NonNullable<ReturnType<typeof ruleFields>>;

/** One rule; `'never'` when it can match at sidecars only. */
const httpRule: Reader<HttpRule | 'never'> = refine(ruleFields, (rule, at) => {
  const action = toAction(rule, at);
  const blocks = rule.match ?? [];
  const matches = blocks.filter((block): block is HttpMatch => block !== 'never');
  if (action === undefined) return undefined;
  if (blocks.length > 0 && matches.length === 0) return 'never';
  return { index: Number(at.key), matches, action, ...defined({ name: rule.name }) };
});

function toAction(rule: RuleFields, at: At): HttpAction | undefined {
  const written = ACTIONS.filter((name) => isWritten(at, name));
  if (written.length > 1)
    return at
      .child(written[1] ?? '', undefined)
      .reportKey({ message: `"${written.join('" and "')}" exclude each other: keep one.` });
  // Its warning is reported with the other fields that are not honoured; nobody else's rule may take these requests.
  if (written[0] === 'delegate') return { kind: 'direct-response', status: 503, body: '' };
  if (rule.redirect !== undefined) return rule.redirect;
  if (rule.directResponse !== undefined) return rule.directResponse;
  if (rule.route === undefined) {
    if (written.length === 0)
      at.reportKey({ message: 'This rule does nothing: give it a route, a redirect or a directResponse.' });
    return undefined;
  }
  const timeoutMs = rule.timeout === 'none' ? undefined : rule.timeout;
  return { kind: 'forward', destinations: rule.route, ...defined({ timeoutMs }) };
}

const ACTIONS = ['route', 'redirect', 'directResponse', 'delegate'] as const;

function isWritten(at: At, name: string): boolean {
  const { value } = at;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return false;
  const field = (value as Record<string, unknown>)[name];
  return field !== null && field !== undefined && !(Array.isArray(field) && field.length === 0 && name === 'route');
}

const fields = record({
  hosts: required(
    listOf(hostPattern, { min: 1 }),
    'name at least one host; delegates, which have none, are not served yet',
  ),
  gateways: gatewayNames,
  exportTo,
  http: listOf(httpRule),
});

/** `spec` of a VirtualService. */
export const readVirtualService: Reader<VirtualServiceSpec> = refine(fields, (spec, at) => {
  checkNames(spec.http ?? [], at);
  if (!isWritten(at, 'http') && !isWritten(at, 'tls') && !isWritten(at, 'tcp'))
    at.reportKey({ message: 'No rules: give it at least one entry in http.' });
  return {
    hosts: [...new Set(spec.hosts ?? [])],
    gateways: spec.gateways === undefined || spec.gateways.length === 0 ? ['mesh'] : spec.gateways,
    exportTo: orEverybody(spec.exportTo),
    http: (spec.http ?? []).filter((rule): rule is HttpRule => rule !== 'never'),
  };
});

/** A shift and the logs name a rule: two of one name cannot be told apart. */
function checkNames(rules: readonly (HttpRule | 'never')[], at: At): void {
  const seen = new Set<string>();
  for (const rule of rules) {
    if (rule === 'never' || rule.name === undefined) continue;
    if (seen.has(rule.name))
      at.context.report([...at.path, 'http', rule.index, 'name'], {
        severity: 'warning',
        message: `Another rule is already named "${rule.name}": give each its own name.`,
      });
    seen.add(rule.name);
  }
}
