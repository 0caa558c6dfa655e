import type { Problem } from '../../../snapshot/problem.ts';
import { annotatedPreference } from '../core/traffic-preference.ts';
import { isDnsLabel } from '../istio/host-values.ts';
import type { Resource } from '../resource.ts';
import { suggestion } from '../suggestion.ts';
import { problemAbout } from './finding.ts';

/** An annotation that decides something here, and what may be written in it. */
type Honoured = {
  readonly name: string;
  /** The only kinds whose objects it is read from. */
  readonly kinds: readonly string[];
  readonly isValid: (value: string) => boolean;
  readonly form: string;
};

const exportTo: Honoured = {
  name: 'networking.istio.io/exportTo',
  kinds: ['Service'],
  isValid: (value) => value.split(',').every((one) => /^[.*~]?$/.test(one.trim()) || isDnsLabel(one.trim())),
  form: 'namespaces with commas between them, "." or "*"',
};
const dryRun: Honoured = {
  name: 'istio.io/dry-run',
  kinds: ['AuthorizationPolicy'],
  isValid: (value) => value === 'true' || value === 'false',
  form: '"true" or "false"',
};

const distribution: Honoured = {
  name: 'networking.istio.io/traffic-distribution',
  kinds: ['Service', 'ServiceEntry'],
  isValid: (value) => annotatedPreference(value) !== undefined,
  form: 'PreferSameZone or PreferSameNode',
};
const topology = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints'].map(
  (name): Honoured => ({
    name,
    kinds: ['Service'],
    // A word with a domain is another implementation's.
    isValid: (value) => /^(?:auto|disabled)$/i.test(value) || value.includes('/'),
    form: 'Auto or Disabled',
  }),
);

const HONOURED: readonly Honoured[] = [exportTo, dryRun, distribution, ...topology];

/** Annotations that decide something: misspelt, misplaced, or with a value that says nothing. */
export function checkAnnotations(resource: Resource): Problem[] {
  return Object.entries(resource.annotations).flatMap(([name, value]) => {
    const known = HONOURED.find((one) => one.name === name);
    if (known?.kinds.includes(resource.kind)) return known.isValid(value) ? [] : [invalid(resource, known, value)];
    if (known !== undefined) return [ineffective(resource, known)];
    const own = HONOURED.filter(({ kinds }) => kinds.includes(resource.kind)).map((one) => one.name);
    const guess = /(?:^|\.)istio\.io\//.test(name) ? suggestion(name, own) : '';
    return guess === '' ? [] : [unknown(resource, name, guess)];
  });
}

function invalid(resource: Resource, { name, form }: Honoured, value: string): Problem {
  const message = `"${value}" says nothing in the annotation ${name}: use ${form}.`;
  return about(resource, name, 'IST0125', message);
}

function ineffective(resource: Resource, { name, kinds }: Honoured): Problem {
  const field = name === exportTo.name ? ' Use spec.exportTo where the kind has it.' : '';
  const message = `The annotation ${name} has an effect on a ${kinds.join(' or ')} only, not on a ${resource.kind}.${field}`;
  return about(resource, name, 'IST0107', message);
}

function unknown(resource: Resource, name: string, guess: string): Problem {
  return about(resource, name, 'IST0108', `The annotation ${name} is not one of Istio's: it has no effect.${guess}`);
}

function about(resource: Resource, name: string, code: 'IST0107' | 'IST0108' | 'IST0125', message: string): Problem {
  return problemAbout(resource, ['metadata', 'annotations', name], { severity: 'warning', code, message }, 'key');
}
