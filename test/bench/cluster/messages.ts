import type { ClusterSize } from './objects.ts';

/** What the process with the API server is asked. */
export type ClusterOrder =
  /** Make the cluster; service 0 is answered by the backend on `backendPort`. Answered with a kubeconfig. */
  | { readonly kind: 'open'; readonly size: ClusterSize; readonly backendPort: number }
  /** Change one endpoint, the `index`-th such change. Answered with the time (ms since the epoch) at which it was made. */
  | { readonly kind: 'change'; readonly index: number }
  /** Change endpoints all over the cluster, so many a second. Answered, when it is over, with the last one's time. */
  | { readonly kind: 'storm'; readonly perSecond: number; readonly seconds: number };

export type ClusterAnswer = {
  readonly kubeconfig?: string;
  readonly at?: number;
  readonly changes?: number;
};
