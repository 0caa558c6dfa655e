/** A node of the cluster: where node ports answer. */
export type NodeSpec = {
  /** Internal addresses, in the order written. */
  readonly addresses: readonly string[];
  readonly ready: boolean;
};
