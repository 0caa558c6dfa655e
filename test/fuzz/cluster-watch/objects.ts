import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import type { Random } from '../random.ts';

export const NAMESPACES = ['default', 'shop', 'istio-system'] as const;
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;

/** Kinds of the campaign, as their lists are asked for. */
export const KINDS = [
  { kind: 'VirtualService', apiVersion: 'networking.istio.io/v1', resource: 'virtualservices.networking.istio.io' },
  { kind: 'DestinationRule', apiVersion: 'networking.istio.io/v1', resource: 'destinationrules.networking.istio.io' },
  { kind: 'Gateway', apiVersion: 'networking.istio.io/v1', resource: 'gateways.networking.istio.io' },
  { kind: 'Service', apiVersion: 'v1', resource: 'services' },
  { kind: 'Pod', apiVersion: 'v1', resource: 'pods' },
  { kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', resource: 'endpointslices.discovery.k8s.io' },
  { kind: 'Secret', apiVersion: 'v1', resource: 'secrets' },
] as const;

export type CampaignKind = (typeof KINDS)[number];

/** Which object: there are few enough that they meet again and again. */
export function anyRef(random: Random): {
  readonly kind: CampaignKind;
  readonly namespace: string;
  readonly name: string;
} {
  return { kind: random.pick(KINDS), namespace: random.pick(NAMESPACES), name: random.pick(NAMES) };
}

/** A kind never becomes empty, which would be held on purpose: one object of each stays. */
export function anchors(variant = 0): KubeObject[] {
  return KINDS.flatMap((kind) => NAMESPACES.map((namespace) => anObject({ kind, namespace, name: 'anchor' }, variant)));
}

/** An object whose content follows from `variant`. */
export function anObject(
  { kind, namespace, name }: { readonly kind: CampaignKind; readonly namespace: string; readonly name: string },
  variant: number,
): KubeObject {
  const metadata = { name, namespace, labels: { variant: String(variant) } };
  return { apiVersion: kind.apiVersion, kind: kind.kind, metadata, ...CONTENT[kind.kind](name, variant) };
}

const address = (variant: number): string => `10.${variant % 7}.0.${(variant % 250) + 1}`;

const CONTENT: Readonly<Record<CampaignKind['kind'], (name: string, variant: number) => Record<string, unknown>>> = {
  VirtualService: (name, variant) => ({
    spec: {
      hosts: [`${name}.example`],
      gateways: ['a'],
      http: [{ route: [{ destination: { host: name, subset: 'v1' }, weight: variant % 100 }] }],
    },
  }),
  DestinationRule: (name, variant) => ({
    spec: { host: name, subsets: [{ name: 'v1', labels: { version: `v${variant % 5}` } }] },
  }),
  Gateway: (name, variant) => ({
    spec: {
      selector: { istio: variant % 4 === 0 ? 'egressgateway' : 'ingressgateway' },
      servers: [
        {
          port: { number: 443, name: 'https', protocol: 'HTTPS' },
          hosts: [`${name}.example`],
          // Which Secrets are wanted changes with it.
          tls: { mode: 'SIMPLE', credentialName: 'abcdefgh'.charAt(variant % 8) },
        },
      ],
    },
  }),
  Service: (_name, variant) => ({ spec: { ports: [{ name: 'http', port: 80 + (variant % 3), protocol: 'TCP' }] } }),
  Pod: (_name, variant) => ({
    spec: { containers: [{ name: 'app', image: 'app' }] },
    status: {
      phase: 'Running',
      podIP: address(variant),
      conditions: [{ type: 'Ready', status: variant % 3 === 0 ? 'False' : 'True' }],
    },
  }),
  EndpointSlice: (_name, variant) => ({
    addressType: 'IPv4',
    endpoints: [{ addresses: [address(variant)], conditions: { ready: variant % 3 !== 0 } }],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  }),
  Secret: (_name, variant) => ({
    type: 'Opaque',
    data: { 'tls.crt': base64(variant), 'tls.key': base64(variant + 1) },
  }),
};

function base64(variant: number): string {
  return Buffer.from(`value ${variant}`).toString('base64');
}
