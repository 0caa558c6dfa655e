/** A Pod that an address belongs to: its labels decide about subsets. */
export type PodRef = { readonly namespace: string; readonly name: string };

/** The Service has the same namespace and name. */
export type EndpointsSpec = {
  readonly subsets: readonly {
    /** Ready addresses only. */
    readonly addresses: readonly { readonly ip: string; readonly pod?: PodRef }[];
    readonly ports: readonly EndpointPort[];
  }[];
};

export type EndpointPort = {
  /** Name of the Service's port; absent when that has only one. */
  readonly name?: string;
  readonly port: number;
};

export type EndpointSliceSpec = {
  /** Name of the Service in the same namespace (label `kubernetes.io/service-name`); absent: nobody's. */
  readonly service?: string;
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    readonly ready: boolean;
    /** Being deleted, and still serving: better than nothing. */
    readonly draining?: true;
    readonly pod?: PodRef;
  }[];
  readonly ports: readonly EndpointPort[];
};
