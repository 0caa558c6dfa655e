/** Istio's default root namespace: its objects hold for all namespaces. */
export const ROOT_NAMESPACE = 'istio-system';
