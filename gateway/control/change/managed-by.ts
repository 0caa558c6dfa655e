import type { Labels } from '../resource/resource.ts';

type Marked = { readonly labels: Labels; readonly annotations: Labels };

const ADVICE = 'docs/gitops.md has the setting with which both can live.';

/** Sentences to people who are about to change an object that a tool keeps in line with what is written elsewhere. */
export function managerWarnings(object: Marked): string[] {
  const manager = argoApplication(object) ?? fluxOwner(object) ?? helmRelease(object);
  return manager === undefined ? [] : [manager];
}

function argoApplication({ labels, annotations }: Marked): string | undefined {
  // `app:group/Kind:namespace/name`
  const tracked = /^[\w.-]+(?=:)/.exec(annotations['argocd.argoproj.io/tracking-id'] ?? '')?.[0];
  const application = tracked ?? labels['argocd.argoproj.io/instance'];
  return application === undefined
    ? undefined
    : `This object is managed by Argo CD (application ${application}): unless that ignores weights, its next sync puts back those of its repository. ${ADVICE}`;
}

/** Objects that Flux was told to leave alone need no warning. */
function fluxOwner({ labels, annotations }: Marked): string | undefined {
  const kustomize = 'kustomize.toolkit.fluxcd.io';
  const policy = annotations[`${kustomize}/ssa`]?.toLowerCase() ?? '';
  const isLeftAlone =
    annotations[`${kustomize}/reconcile`]?.toLowerCase() === 'disabled' || ['ifnotpresent', 'ignore'].includes(policy);
  for (const [group, kind] of [
    [kustomize, 'Kustomization'],
    ['helm.toolkit.fluxcd.io', 'HelmRelease'],
  ] as const) {
    const name = labels[`${group}/name`];
    if (name === undefined || (group === kustomize && isLeftAlone)) continue;
    const owner = `${labels[`${group}/namespace`] ?? ''}/${name}`.replace(/^\//, '');
    return `This object is managed by Flux (${kind} ${owner}): unless that ignores weights, its next reconciliation puts back those of its source. ${ADVICE}`;
  }
  return undefined;
}

function helmRelease({ labels, annotations }: Marked): string | undefined {
  if (labels['app.kubernetes.io/managed-by'] !== 'Helm') return undefined;
  const release = annotations['meta.helm.sh/release-name'] ?? labels['app.kubernetes.io/instance'];
  return `This object belongs to a Helm release${release === undefined ? '' : ` (${release})`}: its next upgrade may put back the weights of the chart.`;
}
