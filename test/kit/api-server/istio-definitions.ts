import type { JsonObject, KubeObject } from './kube-object.ts';

type Column = { readonly name: string; readonly type: string; readonly jsonPath: string };

const NETWORKING = ['v1', 'v1beta1', 'v1alpha3'] as const;
const SECURITY = ['v1', 'v1beta1'] as const;
const AGE: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

/** CustomResourceDefinitions of Istio's kinds that take any spec, as a cluster without Istio may have them. */
export function istioDefinitions(): KubeObject[] {
  return [
    definition('networking.istio.io', NETWORKING, 'Gateway', 'gateways', ['gw']),
    definition(
      'networking.istio.io',
      NETWORKING,
      'VirtualService',
      'virtualservices',
      ['vs'],
      [
        { name: 'Gateways', type: 'string', jsonPath: '.spec.gateways' },
        { name: 'Hosts', type: 'string', jsonPath: '.spec.hosts' },
      ],
    ),
    definition(
      'networking.istio.io',
      NETWORKING,
      'DestinationRule',
      'destinationrules',
      ['dr'],
      [{ name: 'Host', type: 'string', jsonPath: '.spec.host' }],
    ),
    definition(
      'networking.istio.io',
      NETWORKING,
      'ServiceEntry',
      'serviceentries',
      ['se'],
      [
        { name: 'Hosts', type: 'string', jsonPath: '.spec.hosts' },
        { name: 'Location', type: 'string', jsonPath: '.spec.location' },
        { name: 'Resolution', type: 'string', jsonPath: '.spec.resolution' },
      ],
    ),
    definition(
      'networking.istio.io',
      NETWORKING,
      'WorkloadEntry',
      'workloadentries',
      ['we'],
      [{ name: 'Address', type: 'string', jsonPath: '.spec.address' }],
    ),
    definition('networking.istio.io', NETWORKING, 'Sidecar', 'sidecars'),
    definition('networking.istio.io', ['v1alpha3'], 'EnvoyFilter', 'envoyfilters'),
    definition('security.istio.io', SECURITY, 'AuthorizationPolicy', 'authorizationpolicies', ['ap']),
    definition('security.istio.io', SECURITY, 'RequestAuthentication', 'requestauthentications', ['ra']),
    definition('security.istio.io', SECURITY, 'PeerAuthentication', 'peerauthentications', ['pa']),
    definition('telemetry.istio.io', ['v1', 'v1alpha1'], 'Telemetry', 'telemetries', ['telemetry']),
    definition('extensions.istio.io', ['v1alpha1'], 'WasmPlugin', 'wasmplugins'),
    definition('extensions.istio.io', ['v1alpha1'], 'TrafficExtension', 'trafficextensions'),
  ];
}

/** Istio's definitions of 2018, for a cluster of that age: v1beta1, one version, no schema and no columns. */
export function oldIstioDefinitions(): KubeObject[] {
  const kinds = [
    ['Gateway', 'gateways'],
    ['VirtualService', 'virtualservices'],
    ['DestinationRule', 'destinationrules'],
    ['ServiceEntry', 'serviceentries'],
    ['EnvoyFilter', 'envoyfilters'],
  ] as const;
  return kinds.map(([kind, plural]) => ({
    apiVersion: 'apiextensions.k8s.io/v1beta1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.networking.istio.io` },
    spec: {
      group: 'networking.istio.io',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: 'Namespaced',
      version: 'v1alpha3',
    },
  }));
}

/** CustomResourceDefinitions of the Gateway API's kinds that a gateway of Istio's meets beside its own. */
export function gatewayApiDefinitions(): KubeObject[] {
  const group = 'gateway.networking.k8s.io';
  return [
    definition(group, ['v1', 'v1beta1'], 'Gateway', 'gateways', ['gtw']),
    definition(group, ['v1', 'v1beta1'], 'HTTPRoute', 'httproutes'),
    definition(group, ['v1', 'v1beta1'], 'ReferenceGrant', 'referencegrants', ['refgrant']),
  ];
}

function definition(
  group: string,
  versions: readonly string[],
  kind: string,
  plural: string,
  shortNames: readonly string[] = [],
  columns: readonly Column[] = [],
): KubeObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames },
      scope: 'Namespaced',
      versions: versions.map((name, index) => servedVersion(name, index === 0, [...columns, AGE])),
    },
  };
}

function servedVersion(name: string, storage: boolean, additionalPrinterColumns: readonly Column[]): JsonObject {
  return {
    name,
    served: true,
    storage,
    schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    subresources: { status: {} },
    additionalPrinterColumns,
  };
}
