import type { NamedMatch, StringMatch } from '../../../snapshot/route.ts';
import { defined } from '../defined.ts';
import { resolveGatewayName } from '../host-names.ts';
import type { At } from '../reader/at.ts';
import { listOf, mapOf } from '../reader/collections.ts';
import { type Reader, refine } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { boolean, plainText, port } from '../reader/scalars.ts';
import { ignoringCase, stringMatch } from './string-match.ts';
import type { HttpMatch } from './virtual-service.ts';

/** Istio ignores these names in `headers`: they have conditions of their own. */
const ATTRIBUTES: ReadonlySet<string> = new Set(['uri', 'scheme', 'method', 'authority']);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const headerName: Reader<string> = (at) => {
  const name = String(at.key);
  if (name.startsWith('@request.auth.'))
    return at.reportKey({
      code: 'IST0149',
      message: 'Routing by token claims is not served yet: remove the condition, or route by a header.',
    });
  if (name.startsWith(':'))
    return at.reportKey({ message: `"${name}" is not a header: use the conditions uri, method, scheme or authority.` });
  if (!TOKEN.test(name)) return at.reportKey({ message: `"${name}" is not a header name.` });
  if (ATTRIBUTES.has(name)) {
    at.reportKey({
      severity: 'warning',
      code: 'MG0205',
      message: `"${name}" inside headers is ignored, as in Istio: write it beside headers, one level up.`,
    });
    return undefined;
  }
  return name;
};

const headerConditions: Reader<readonly NamedMatch[]> = refine(mapOf(stringMatch, { key: headerName }), (headers) =>
  named(headers, (name) => name.toLowerCase()),
);

const queryConditions: Reader<readonly NamedMatch[]> = refine(mapOf(stringMatch), (parameters) =>
  named(parameters, (name) => name),
);

function named(
  conditions: Readonly<Record<string, StringMatch>>,
  toName: (name: string) => string,
): readonly NamedMatch[] {
  return Object.entries(conditions).map(([name, match]) => ({ name: toName(name), match }));
}

/** Names of Gateways, resolved. */
export const gatewayNames: Reader<readonly string[]> = listOf(
  refine(plainText, (name, at) => {
    if (/^(?:(?:\.|[a-z0-9-]+)\/)?[a-z0-9.-]+$/.test(name))
      return resolveGatewayName(name, at.context.object.namespace);
    return at.report({ message: `"${name}" is not a Gateway's name: write name, namespace/name or mesh.` });
  }),
);

/** The block's own part; conditions that only sidecars evaluate are reported as not honoured. */
const fields = record({
  name: plainText,
  uri: stringMatch,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: headerConditions,
  withoutHeaders: headerConditions,
  queryParams: queryConditions,
  ignoreUriCase: boolean,
  port,
  gateways: gatewayNames,
});

/** A match block; `'never'` when it can match at sidecars only. */
export const httpMatch: Reader<HttpMatch | 'never'> = (at) => {
  const block = fields(at);
  if (block === undefined) return undefined;
  if (hasMeshSelector(at)) return 'never';
  return {
    index: Number(at.key),
    headers: block.headers ?? [],
    withoutHeaders: block.withoutHeaders ?? [],
    queryParams: block.queryParams ?? [],
    ...defined({
      uri: block.uri && block.ignoreUriCase ? ignoringCase(block.uri) : block.uri,
      scheme: block.scheme,
      method: block.method,
      authority: block.authority && asHost(block.authority),
      port: block.port,
      gateways: block.gateways !== undefined && block.gateways.length > 0 ? block.gateways : undefined,
    }),
  };
};

function hasMeshSelector(at: At): boolean {
  const { value } = at;
  if (typeof value !== 'object' || value === null) return false;
  return ['sourceLabels', 'sourceNamespace'].some((name) => isSet((value as Record<string, unknown>)[name]));
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** Hosts are compared in lower case and without their port. */
function asHost(match: StringMatch): StringMatch {
  if (match.kind === 'exact') return { ...match, value: match.value.toLowerCase().replace(/(?<=[^:]|\]):\d+$/, '') };
  return match.kind === 'prefix' ? { ...match, value: match.value.toLowerCase() } : match;
}
