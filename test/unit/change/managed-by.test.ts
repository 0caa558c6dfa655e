import assert from 'node:assert/strict';
import { test } from 'node:test';
import { managerWarnings } from '#gateway/control/change/managed-by.ts';

const FLUX = { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' };

const cases: readonly [string, Record<string, string>, Record<string, string>, RegExp | undefined][] = [
  ['nobody', {}, {}, undefined],
  ['Argo CD by label', { 'argocd.argoproj.io/instance': 'shop' }, {}, /Argo CD \(application shop\)/],
  ['Argo CD by annotation', {}, { 'argocd.argoproj.io/tracking-id': 'a_b:g/K:n/x' }, /Argo CD \(application a_b\)/],
  ['Flux', FLUX, {}, /Flux \(Kustomization flux-system\/apps\)/],
  ['Flux that only creates it', FLUX, { 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' }, undefined],
  ['Flux that is switched off for it', FLUX, { 'kustomize.toolkit.fluxcd.io/reconcile': 'disabled' }, undefined],
  ['a HelmRelease of Flux', { 'helm.toolkit.fluxcd.io/name': 'shop' }, {}, /Flux \(HelmRelease shop\)/],
  [
    'Helm',
    { 'app.kubernetes.io/managed-by': 'Helm' },
    { 'meta.helm.sh/release-name': 'shop' },
    /Helm release \(shop\)/,
  ],
  ['another tool', { 'app.kubernetes.io/managed-by': 'me' }, {}, undefined],
];
for (const [what, labels, annotations, expected] of cases)
  test(`an object of ${what} ${expected ? 'warns' : 'warns of nothing'}`, () => {
    const warnings = managerWarnings({ labels, annotations });
    assert.equal(warnings.length, expected === undefined ? 0 : 1);
    if (expected !== undefined) assert.match(warnings[0] ?? '', expected);
  });
