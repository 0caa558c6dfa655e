/** A Pod that an address belongs to: its labels decide about subsets. */
export type PodRef = { readonly namespace: string; readonly name: string };

/** The Service has the same namespace and name. */
export type EndpointsSpec = {
  readonly subsets: readonly {
    /** Ready addresses only. */
    readonly addresses: readonly { readonly ip: string; readonly pod?: PodRef; readonly node?: string }[];
    readonly ports: readonly EndpointPort[];
  }[];
};

/** Names of zones and of Nodes; an absent list says nothing. */
export type EndpointHints = { readonly zones?: readonly string[]; readonly nodes?: readonly string[] };

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
    /** Name of the Node that it runs on. */
    readonly node?: string;
    readonly zone?: string;
    /** For whom Kubernetes means it. */
    readonly hints?: EndpointHints;
  }[];
  readonly ports: readonly EndpointPort[];
};
