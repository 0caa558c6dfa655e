import type { Labels } from '../resource.ts';

export type ServiceSpec = {
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  readonly ports: readonly ServicePort[];
  /** Picks Pods (and WorkloadEntries) of the same namespace; absent: endpoints come from Endpoints or EndpointSlices. */
  readonly selector?: Labels;
  /** Set for type ExternalName. */
  readonly externalName?: string;
  readonly publishNotReadyAddresses: boolean;
  /** Absent for a headless Service. */
  readonly clusterIP?: string;
  /** Set by Kubernetes for a LoadBalancer with `externalTrafficPolicy: Local`: kube-proxy answers there on every node. */
  readonly healthCheckNodePort?: number;
  /** Node ports and cluster IP lead only to pods of the node that a packet comes to. */
  readonly externalTrafficLocal?: true;
  readonly internalTrafficLocal?: true;
  /** `trafficDistribution`: who is near is preferred. */
  readonly prefers?: TrafficPreference;
};

/** Endpoints of the own zone, or first those of the own node; then, as in Istio, those of the own region. */
export type TrafficPreference = 'same-zone' | 'same-node';

export type ServicePort = {
  readonly port: number;
  readonly name?: string;
  /** A number, or the name of a container port; `port` when left out. */
  readonly targetPort: number | string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly appProtocol?: string;
  /** Port that kube-proxy takes on every node; only of types NodePort and LoadBalancer. */
  readonly nodePort?: number;
};
