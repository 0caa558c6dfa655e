import type { FastifySchemaValidationError } from 'fastify';
import { MAX_WEIGHT } from './schemas.ts';

const WHOLE_NUMBER = `must be a whole number from 0 to ${MAX_WEIGHT}`;

/** One sentence for each thing that is wrong with a body, in the words of the person who sent it. */
export function explainValidation(errors: readonly FastifySchemaValidationError[], body: unknown): string[] {
  const sentences = errors.map((error) => explain(error, body));
  return [...new Set(sentences.filter((sentence) => sentence !== undefined))];
}

function explain(error: FastifySchemaValidationError, body: unknown): string | undefined {
  const path = pathOf(error.instancePath);
  const name = path.join('.');
  const params = error.params;
  if (path[0] === 'weights' && path.length === 2) return `${name} ${WHOLE_NUMBER}, not ${show(valueAt(body, path))}`;
  if (path[0] === 'route') return 'route must be the name of a rule, or its index as a whole number';
  switch (error.keyword) {
    case 'required':
      return `${inside(name)}${String(params['missingProperty'])} is missing`;
    case 'additionalProperties':
      if (path[0] === 'weights') return 'weights has an empty key';
      return `${inside(name)}${String(params['additionalProperty'])} is not a known property`;
    case 'minProperties':
      return `${name} is empty: give a weight for every destination`;
    case 'type':
      return `${name || 'the body'} must be ${article(String(params['type']))}, not ${show(valueAt(body, path))}`;
    default:
      return `${name || 'the body'} ${error.message ?? 'is not valid'}`;
  }
}

function pathOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function inside(name: string): string {
  return name === '' ? '' : `${name}.`;
}

function valueAt(body: unknown, path: readonly string[]): unknown {
  let value = body;
  for (const key of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return value;
}

function show(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}
