/** What an edge needs of a Pod; its labels are in the metadata. */
export type PodSpec = {
  /** Absent while it has no address: it takes no traffic. */
  readonly podIP?: string;
  /** True when it takes traffic: running, not being deleted, and (when conditions are written) condition Ready is True. */
  readonly ready: boolean;
  /** Name of the Node that it runs on. */
  readonly node?: string;
  /** True when a proxy of the mesh stands before it; absent when that cannot be told. */
  readonly sidecar?: boolean;
  /** Container ports of all containers, for a Service's named `targetPort`. */
  readonly ports: readonly { readonly name?: string; readonly containerPort: number; readonly protocol: string }[];
};
