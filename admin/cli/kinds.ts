import { didYouMean } from '../../gateway/support/did-you-mean.ts';
import { CliError, exitCodes } from './exit-codes.ts';

/** Kinds of objects, with the short names that kubectl and Istio give them. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  Gateway: ['gw'],
  VirtualService: ['vs'],
  DestinationRule: ['dr'],
  ServiceEntry: ['se'],
  WorkloadEntry: ['we'],
  Service: ['svc'],
  Secret: [],
  ConfigMap: ['cm'],
  Endpoints: ['ep'],
  EndpointSlice: [],
  Pod: ['po'],
  Node: ['no'],
  Namespace: ['ns'],
  AuthorizationPolicy: ['ap'],
  RequestAuthentication: ['ra'],
  PeerAuthentication: ['pa'],
  EnvoyFilter: [],
  WasmPlugin: [],
  TrafficExtension: [],
  Telemetry: ['telemetries'],
  HTTPRoute: [],
  KubernetesGateway: [],
  Ingress: ['ing'],
};

/** Kinds that are in no namespace. */
const WIDE: ReadonlySet<string> = new Set(['Node', 'Namespace']);

const byName = new Map(
  Object.entries(KINDS).flatMap(([kind, short]) => spellings(kind, short).map((one) => [one, kind])),
);

/** Every kind that can be described. */
export const describedKinds: readonly string[] = Object.keys(KINDS);

export type ObjectName = { readonly kind: string; readonly namespace: string; readonly name: string };

/**
 * `KIND NAME`, `KIND/NAME` and `KIND NAMESPACE/NAME` (or KIND/NAMESPACE/NAME), with the namespace of `-n` or `default`.
 * Kinds are known by their name, plural or short name, whatever the case, and with their group: `vs`, `VirtualServices`,
 * `virtualservices.networking.istio.io`.
 */
export function parseObject(words: readonly string[], namespace: string | undefined): ObjectName {
  const parts = words.flatMap((word) => word.split('/'));
  const [written = '', ...rest] = parts;
  const kind = kindOf(written);
  const [first, second] = rest;
  if (first === undefined || rest.length > 2 || rest.includes('')) {
    const example = `${written.toLowerCase()} NAME, or ${written.toLowerCase()} NAMESPACE/NAME`;
    throw new CliError(exitCodes.usage, `${words.join(' ')} does not name one object: write ${example}`);
  }
  if (second !== undefined && namespace !== undefined && namespace !== first)
    throw new CliError(exitCodes.usage, `${words.join(' ')} and -n ${namespace} name different namespaces`);
  const name = second ?? first;
  if (WIDE.has(kind)) return { kind, namespace: '', name };
  return { kind, namespace: second === undefined ? (namespace ?? 'default') : first, name };
}

function kindOf(written: string): string {
  const name = written.toLowerCase().split('.', 1)[0] ?? '';
  const kind = byName.get(name);
  if (kind !== undefined) return kind;
  const near = didYouMean(name, byName.keys());
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  throw new CliError(
    exitCodes.usage,
    `${written} is no kind that is known here${hint}; there are ${describedKinds
      .map((one) => one.toLowerCase())
      .join(', ')}`,
  );
}

/** Lower case: singular, plural, short names. */
function spellings(kind: string, short: readonly string[]): string[] {
  const singular = kind.toLowerCase();
  const plural = singular.endsWith('y')
    ? `${singular.slice(0, -1)}ies`
    : `${singular}${singular.endsWith('s') ? 'es' : 's'}`;
  return [singular, plural, ...short];
}
