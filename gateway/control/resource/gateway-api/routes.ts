/** Of an HTTPRoute only what it hangs on: it is not served. */
export type HttpRouteSpec = { readonly parents: readonly ParentRef[] };

export type ParentRef = {
  readonly group: string;
  readonly kind: string;
  /** Resolved: the route's own when none is written. */
  readonly namespace: string;
  readonly name: string;
};

/** A Gateway of the Gateway API: who is to serve it. */
export type KubernetesGatewaySpec = { readonly className: string };
