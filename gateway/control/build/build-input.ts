import type { Problem } from '../../snapshot/problem.ts';
import type { SnapshotUnits } from '../../snapshot/snapshot.ts';
import type { Locality } from '../resource/core/locality.ts';
import type { Labels, Resource, ResourceKey } from '../resource/resource.ts';

/** Everything that decides the snapshot. Unchanged resources must be the same objects from build to build. */
export type BuildInput = {
  readonly resources: ReadonlyMap<ResourceKey, Resource>;
  readonly gateway: GatewayIdentity;
  /** Content of the files that `certificateFiles` names, by path; a path that could not be read is left out. */
  readonly files?: ReadonlyMap<string, string>;
};

/** The addresses of its pods, its own address in the cluster, or its node port on every node. */
export type EndpointMode = 'pods' | 'clusterIP' | 'nodePort';

/** What build must know of the appliance itself; the same for the life of a builder. */
export type GatewayIdentity = {
  /** Where the gateway itself lives: Secrets are looked up here first. */
  readonly namespace: string;
  /** Istio's root namespace, whose objects hold for all; default `istio-system`. */
  readonly rootNamespace?: string;
  /** Matched by the selectors of Gateways. */
  readonly labels: Labels;
  readonly ports: readonly { readonly gatewayPort: number; readonly nodePorts: readonly number[] }[];
  /** Ports that the appliance itself listens on, with what for: "the admin API". A Gateway may not take them. */
  readonly reservedPorts?: readonly { readonly port: number; readonly purpose: string }[];
  /** `Kind/namespace/name` of objects, or kinds, whose lack of enforcement people accept: they close no host. */
  readonly acceptUnenforced?: readonly ResourceKey[];
  /** The Node that this machine is, if it is one. */
  readonly node?: string;
  /** Where it is; absent: what the labels of its Node say. */
  readonly locality?: Locality;
  /** What stands behind a Service; default `pods`. */
  readonly endpoints?: EndpointMode;
  /** Named to people who have no routes yet; absent where objects come from a cluster. */
  readonly folder?: string;
  /** Of clusters whose DestinationRule does not say. */
  readonly connectTimeoutMs: number;
};

/** Units and problems are frozen; whatever did not change is the same object as in the build before. */
export type BuildResult = { readonly units: SnapshotUnits; readonly problems: readonly Problem[] };
