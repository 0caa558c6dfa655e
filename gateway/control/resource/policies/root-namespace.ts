/** Istio's default root namespace: objects of the root namespace hold for all namespaces. */
export const DEFAULT_ROOT_NAMESPACE = 'istio-system';
