import type { ClientCaSource } from '../../resource/istio/gateway.ts';
import { type Labels, type Resource, type ResourceKey, resourceKey } from '../../resource/resource.ts';

/** The Secrets and ConfigMaps that Gateways of this appliance name: nothing else of what a cluster keeps secret is held. */
export class WantedSecrets {
  readonly #gateway: { readonly namespace: string; readonly labels: Labels };
  readonly #byGateway = new Map<ResourceKey, readonly ResourceKey[]>();
  /** How many Gateways name each Secret. */
  readonly #named = new Map<ResourceKey, number>();
  #changed = new Set<string>();

  constructor(gateway: { readonly namespace: string; readonly labels: Labels }) {
    this.#gateway = gateway;
  }

  has(key: ResourceKey): boolean {
    return this.#named.has(key);
  }

  /** The gateway's own namespace, and that of each Gateway with an object that the own one `lacks`: no others are asked. */
  namespaces(kind: string, lacks: (own: ResourceKey) => boolean): Set<string> {
    const own = this.#gateway.namespace;
    const wanted = new Set<string>();
    for (const key of this.#named.keys()) {
      const [named, namespace = '', name = ''] = key.split('/');
      if (named !== kind) continue;
      if (namespace === own || lacks(resourceKey({ kind, namespace: own, name }))) wanted.add(namespace);
    }
    return wanted;
  }

  /** Takes the newest readable version of a Gateway, or that it is gone; true while other Secrets are wanted than before. */
  update(key: ResourceKey, resource: Resource | undefined): boolean {
    const before = this.#byGateway.get(key) ?? [];
    const after = resource?.kind === 'Gateway' ? this.#secretsOf(resource) : [];
    if (resource === undefined) this.#byGateway.delete(key);
    else this.#byGateway.set(key, after);
    for (const secret of after) if (this.#count(secret, 1) === 1) this.#changed.add(namespaceOf(secret));
    for (const secret of before) if (this.#count(secret, -1) === 0) this.#changed.add(namespaceOf(secret));
    return this.#changed.size > 0;
  }

  /** The namespaces in which others are wanted than at the last call. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** Looked up where the build does: in the gateway's own namespace, and beside the Gateway object. */
  #secretsOf(resource: Extract<Resource, { kind: 'Gateway' }>): readonly ResourceKey[] {
    const { selector = {}, servers, unserved } = resource.spec;
    const { labels, namespace } = this.#gateway;
    if (!Object.entries(selector).every(([label, value]) => labels[label] === value)) return [];
    const names = servers.flatMap(({ tls }) => (tls?.certificate.kind === 'secret' ? [tls.certificate.name] : []));
    const namespaces = [...new Set([namespace, resource.namespace])];
    const secrets = [...new Set(names)].flatMap((name) =>
      namespaces.map((place) => resourceKey({ kind: 'Secret', namespace: place, name })),
    );
    return [...new Set([...secrets, ...unserved.flatMap(({ clientCa }) => this.#placesOf(clientCa))])];
  }

  /** A CA only where the gateway lives, as in Istio. */
  #placesOf(source: ClientCaSource | undefined): ResourceKey[] {
    if (source === undefined) return [];
    const { namespace } = this.#gateway;
    const [kind, other] = source.field === 'credentialName' ? ['Secret', '-cacert'] : ['ConfigMap', ''];
    return [
      resourceKey({ kind: 'Secret', namespace, name: source.name }),
      resourceKey({ kind, namespace, name: `${source.name}${other}` }),
    ];
  }

  #count(secret: ResourceKey, change: number): number {
    const count = (this.#named.get(secret) ?? 0) + change;
    if (count === 0) this.#named.delete(secret);
    else this.#named.set(secret, count);
    return count;
  }
}

/** Whether a server can show this certificate. */
export function isUsableSecret(resource: Resource | undefined): boolean {
  return resource?.kind === 'Secret' && resource.spec.tls !== undefined;
}

function namespaceOf(key: ResourceKey): string {
  return key.split('/')[1] ?? '';
}
