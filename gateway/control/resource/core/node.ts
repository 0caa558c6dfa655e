import type { Locality } from './locality.ts';

/** A node of the cluster: where node ports answer, and where its pods are. */
export type NodeSpec = {
  /** Internal addresses, in the order written. */
  readonly addresses: readonly string[];
  readonly ready: boolean;
  /** It is being taken away, or was told to take nothing from outside of the cluster. */
  readonly leaving?: true;
  /** Absent when nobody has labelled it. */
  readonly locality?: Locality;
};
