import { questionType, type ResourceType, resourceType } from './resource-type.ts';

type Row = Partial<ResourceType>;

/** What a cluster serves before anybody adds a CustomResourceDefinition; only kinds that an edge gateway meets. */
export const BUILT_IN_TYPES: readonly ResourceType[] = [
  core('Namespace', 'namespaces', {
    namespaced: false,
    hasStatus: true,
    shortNames: ['ns'],
    subresources: ['finalize'],
  }),
  core('Node', 'nodes', { namespaced: false, hasStatus: true, shortNames: ['no'] }),
  core('Pod', 'pods', { hasStatus: true, shortNames: ['po'], categories: ['all'] }),
  core('Service', 'services', { hasStatus: true, shortNames: ['svc'], categories: ['all'] }),
  core('Endpoints', 'endpoints', { shortNames: ['ep'], singular: 'endpoints', listKind: 'EndpointsList' }),
  core('Secret', 'secrets', {}),
  core('ConfigMap', 'configmaps', { shortNames: ['cm'] }),
  core('ServiceAccount', 'serviceaccounts', { shortNames: ['sa'], subresources: ['token'] }),
  core('Event', 'events', { shortNames: ['ev'] }),
  grouped('events.k8s.io', ['v1', 'v1beta1'], 'Event', 'events', { shortNames: ['ev'] }),
  grouped('discovery.k8s.io', ['v1', 'v1beta1'], 'EndpointSlice', 'endpointslices', { countsGenerations: true }),
  grouped('coordination.k8s.io', ['v1', 'v1beta1'], 'Lease', 'leases', { allowsUnconditionalUpdate: false }),
  grouped('apps', ['v1'], 'Deployment', 'deployments', deployment()),
  grouped('extensions', ['v1beta1'], 'Deployment', 'deployments', deployment()),
  grouped('extensions', ['v1beta1'], 'Ingress', 'ingresses', ingress()),
  grouped('networking.k8s.io', ['v1', 'v1beta1'], 'Ingress', 'ingresses', ingress()),
  grouped('networking.k8s.io', ['v1'], 'IngressClass', 'ingressclasses', {
    namespaced: false,
    countsGenerations: true,
  }),
  question('authentication', 'TokenReview', 'tokenreviews', { namespaced: false }),
  question('authentication', 'SelfSubjectReview', 'selfsubjectreviews', { namespaced: false }),
  question('authorization', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews', { namespaced: false }),
  question('authorization', 'SubjectAccessReview', 'subjectaccessreviews', { namespaced: false }),
  rbac('Role', 'roles', {}),
  rbac('RoleBinding', 'rolebindings', {}),
  rbac('ClusterRole', 'clusterroles', { namespaced: false }),
  rbac('ClusterRoleBinding', 'clusterrolebindings', { namespaced: false }),
  grouped('apiextensions.k8s.io', ['v1', 'v1beta1'], 'CustomResourceDefinition', 'customresourcedefinitions', {
    namespaced: false,
    hasStatus: true,
    countsGenerations: true,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    allowsUnconditionalUpdate: false,
  }),
];

function core(kind: string, plural: string, row: Row): ResourceType {
  return resourceType({ group: '', versions: ['v1'], kind, plural, ...row });
}

function grouped(group: string, versions: readonly string[], kind: string, plural: string, row: Row): ResourceType {
  return resourceType({ group, versions, kind, plural, ...row });
}

function question(group: string, kind: string, plural: string, row: Row): ResourceType {
  return questionType({ group: `${group}.k8s.io`, versions: ['v1'], kind, plural, ...row });
}

function rbac(kind: string, plural: string, row: Row): ResourceType {
  return grouped('rbac.authorization.k8s.io', ['v1'], kind, plural, row);
}

function deployment(): Row {
  return { hasStatus: true, countsGenerations: true, shortNames: ['deploy'], categories: ['all'] };
}

function ingress(): Row {
  return { hasStatus: true, countsGenerations: true, shortNames: ['ing'] };
}
