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
};

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
