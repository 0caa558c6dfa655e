import type { Problem } from '../../../snapshot/problem.ts';
import { isDnsLabel } from '../istio/host-values.ts';
import type { Resource } from '../resource.ts';
import { suggestion } from '../suggestion.ts';
import { problemAbout } from './finding.ts';

/** An annotation that decides something here, and what may be written in it. */
type Honoured = { readonly name: string; readonly isValid: (value: string) => boolean; readonly form: string };

const exportTo: Honoured = {
  name: 'networking.istio.io/exportTo',
  isValid: (value) => value.split(',').every((one) => /^[.*~]?$/.test(one.trim()) || isDnsLabel(one.trim())),
  form: 'namespaces with commas between them, "." or "*"',
};
const dryRun: Honoured = {
  name: 'istio.io/dry-run',
  isValid: (value) => value === 'true' || value === 'false',
  form: '"true" or "false"',
};

/** By the only kind whose objects they are read from. */
const HONOURED: { readonly [kind: string]: Honoured } = { Service: exportTo, AuthorizationPolicy: dryRun };

/** Annotations that decide something: misspelt, misplaced, or with a value that says nothing. */
export function checkAnnotations(resource: Resource): Problem[] {
  return Object.entries(resource.annotations).flatMap(([name, value]) => {
    const own = HONOURED[resource.kind];
    if (own?.name === name) return own.isValid(value) ? [] : [invalid(resource, own, value)];
    const misplaced = Object.entries(HONOURED).find(([, { name: other }]) => other === name);
    if (misplaced !== undefined) return [ineffective(resource, name, misplaced[0])];
    const guess = own !== undefined && /(?:^|\.)istio\.io\//.test(name) ? suggestion(name, [own.name]) : '';
    return guess === '' ? [] : [unknown(resource, name, guess)];
  });
}

function invalid(resource: Resource, { name, form }: Honoured, value: string): Problem {
  const message = `"${value}" says nothing in the annotation ${name}: use ${form}.`;
  return about(resource, name, 'IST0125', message);
}

function ineffective(resource: Resource, name: string, kind: string): Problem {
  const field = name === exportTo.name ? ' Use spec.exportTo where the kind has it.' : '';
  const message = `The annotation ${name} has an effect on a ${kind} only, not on a ${resource.kind}.${field}`;
  return about(resource, name, 'IST0107', message);
}

function unknown(resource: Resource, name: string, guess: string): Problem {
  return about(resource, name, 'IST0108', `The annotation ${name} is not one of Istio's: it has no effect.${guess}`);
}

function about(resource: Resource, name: string, code: 'IST0107' | 'IST0108' | 'IST0125', message: string): Problem {
  return problemAbout(resource, ['metadata', 'annotations', name], { severity: 'warning', code, message }, 'key');
}
