import type { Features } from './cluster-state.ts';
import { istioDefinitions, oldIstioDefinitions } from './istio-definitions.ts';
import type { KubeObject } from './kube-object.ts';

/** Which Kubernetes the server plays: a recent one, one that has EndpointSlices as v1beta1 alone, or the owner's of 2018. */
export type KubernetesVersion = '1.32' | '1.20' | '1.12';

/** What an age of Kubernetes serves and can do. */
export type ClusterProfile = {
  readonly features: Omit<Features, 'bookmarkIntervalMs'>;
  /** Groups and versions that this age does not serve (no more, or not yet). */
  readonly without: readonly string[];
  readonly definitions: () => KubeObject[];
};

export const PROFILES: Readonly<Record<KubernetesVersion, ClusterProfile>> = {
  '1.32': {
    features: {
      gitVersion: 'v1.32.0',
      bookmarks: true,
      serverSideApply: true,
      aggregatedDiscovery: true,
      openApiV3: true,
      pruning: true,
    },
    without: [
      'extensions',
      'networking.k8s.io/v1beta1',
      'coordination.k8s.io/v1beta1',
      'discovery.k8s.io/v1beta1',
      'events.k8s.io/v1beta1',
      'apiextensions.k8s.io/v1beta1',
    ],
    definitions: istioDefinitions,
  },
  '1.20': {
    features: {
      gitVersion: 'v1.20.15',
      bookmarks: true,
      serverSideApply: true,
      aggregatedDiscovery: false,
      openApiV3: false,
      pruning: true,
    },
    without: ['discovery.k8s.io/v1'],
    definitions: istioDefinitions,
  },
  '1.12': {
    features: {
      gitVersion: 'v1.12.10',
      bookmarks: false,
      serverSideApply: false,
      aggregatedDiscovery: false,
      openApiV3: false,
      pruning: false,
    },
    without: [
      'discovery.k8s.io',
      'networking.k8s.io',
      'coordination.k8s.io/v1',
      'events.k8s.io/v1',
      'apiextensions.k8s.io/v1',
    ],
    definitions: oldIstioDefinitions,
  },
};
