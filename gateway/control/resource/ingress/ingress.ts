/** Of an Ingress only who is to serve it: it is not served. */
export type IngressSpec = {
  /** `spec.ingressClassName`; the older annotation stands in the metadata. Absent: the cluster's default class. */
  readonly className?: string;
};
