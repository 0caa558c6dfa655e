// Promises: a VirtualService's spec, typed and normalised, with every fault in it reported at its place.
// Never: looks at other objects (analyze does), or takes a rule whose conditions it could not read.
// Called by: the kinds table.
import { defined } from '../defined.ts';
import type { At } from '../reader/at.ts';
import { listOf } from '../reader/collections.ts';
import { type Reader, refine } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { durationMs, orEmpty, plainText, positiveDurationMs } from '../reader/scalars.ts';
import { isThere, writtenIn } from '../reader/together.ts';
import { checkHostsTwice, checkRule } from './check-rule.ts';
import { exportTo, hostPattern, orEverybody } from './host-values.ts';
import { directResponse, redirect } from './read-action.ts';
import { destinations } from './read-destinations.ts';
import { gatewayNames, httpMatch } from './read-match.ts';
import { checkSniHosts } from './unhonoured/l4-rules.ts';
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
  return positiveDurationMs(at);
});

const ruleFields = record({
  name: orEmpty(plainText),
  match: listOf(httpMatch),
  route: (at) => (hasNone(at.value) ? undefined : destinations(at)),
  redirect,
  directResponse,
  timeout,
});

/** An empty list asks for as little as an absent one. */
function hasNone(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

type RuleFields = NonNullable<ReturnType<typeof ruleFields>>;

/** One rule; `'never'` when it can match at sidecars only. */
const httpRule: Reader<HttpRule | 'never'> = refine(ruleFields, (rule, at) => {
  checkRule(at);
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
    return at.child(written[1] ?? '', undefined).reportKey({
      // Istio takes a delegate beside it, and means the delegate's rules.
      ...(!written.some((name) => name === 'route' || name === 'redirect') && { code: 'MG0207' }),
      message: `"${written.join('" and "')}" exclude each other: keep one.`,
    });
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
  hosts: listOf(hostPattern),
  gateways: gatewayNames,
  exportTo: exportTo({ nobody: 'odd' }),
  http: listOf(httpRule),
});

/** `spec` of a VirtualService. */
export const readVirtualService: Reader<VirtualServiceSpec> = refine(fields, (spec, at) => {
  const { hosts, http, tls, tcp } = writtenIn(at);
  if (!isThere(writtenIn(at), 'hosts') || hasNone(hosts)) reportDelegate(at);
  if (![http, tls, tcp].some(hasRules)) at.reportKey({ message: 'No rules: give it at least one entry in http.' });
  checkNames(spec.http ?? [], at);
  checkHostsTwice(spec.hosts ?? [], at);
  checkMesh(spec, at);
  checkSniHosts(at);
  return {
    hosts: [...new Set(spec.hosts ?? [])],
    gateways: spec.gateways === undefined || spec.gateways.length === 0 ? ['mesh'] : spec.gateways,
    exportTo: orEverybody(spec.exportTo),
    http: (spec.http ?? []).filter((rule): rule is HttpRule => rule !== 'never'),
  };
});

/** What is no list was reported where it stands. */
function hasRules(value: unknown): boolean {
  return value !== undefined && value !== null && !hasNone(value);
}

/** Without hosts it can only be what another one delegates to; such a one has no Gateways, and no rules but for HTTP. */
function reportDelegate(at: At): void {
  const isDelegate = !['gateways', 'tls', 'tcp'].some((name) => hasRules(writtenIn(at)[name]));
  const { hosts } = writtenIn(at);
  const place = at.child('hosts', hosts);
  const message = '"hosts" is missing: name at least one host; delegates, which have none, are not served yet.';
  place.context.report(
    place.path,
    { message, ...(isDelegate && { code: 'MG0207' }) },
    hosts === undefined ? 'key' : 'value',
  );
}

/** Sidecars cannot take every name there is. */
function checkMesh({ hosts = [], gateways = ['mesh'] }: NonNullable<ReturnType<typeof fields>>, at: At): void {
  if (hosts.includes('*') && gateways.includes('mesh'))
    at.child('hosts', undefined).reportKey({
      severity: 'warning',
      message: '"*" and the gateway "mesh" (which no gateways means too) exclude each other in Istio: name a Gateway.',
    });
}

/** A shift and the logs name a rule: two of one name cannot be told apart. */
function checkNames(rules: readonly (HttpRule | 'never')[], at: At): void {
  const seen = new Set<string>();
  for (const rule of rules) {
    if (rule === 'never' || rule.name === undefined) continue;
    if (seen.has(rule.name))
      at.context.report([...at.path, 'http', rule.index, 'name'], {
        severity: 'warning',
        code: 'MG0208',
        message: `Another rule is already named "${rule.name}": give each its own name.`,
      });
    seen.add(rule.name);
  }
}
