import { badRequest } from './api-status.ts';
import { isJsonObject, type KubeObject } from './kube-object.ts';
import type { ResourceType } from './resource-type.ts';

export type Selects = (object: KubeObject) => boolean;

/** Both selectors of a list or watch in one; undefined when everything is asked for. */
export function parseSelectors(query: URLSearchParams, type?: Pick<ResourceType, 'custom'>): Selects | undefined {
  const labels = query.get('labelSelector') ?? '';
  const fields = query.get('fieldSelector') ?? '';
  const parts: Selects[] = [];
  if (labels.trim() !== '') parts.push(parseLabelSelector(labels));
  if (fields.trim() !== '') parts.push(parseFieldSelector(fields, type));
  const [first, second] = parts;
  if (first === undefined || second === undefined) return first;
  return (object) => first(object) && second(object);
}

/** Equality, set and existence requirements, all of which must hold. */
export function parseLabelSelector(text: string): Selects {
  const tests = splitOutsideBrackets(text).map(parseLabelRequirement);
  return (object) => tests.every((test) => test(object.metadata.labels ?? {}));
}

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

function parseLabelRequirement(text: string): LabelTest {
  const set = /^([^\s!=(),]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set) return inSet(set[1] ?? '', set[2] ?? '', set[3] ?? '');
  const equality = /^([^\s!=(),]+)\s*(==|=|!=)\s*([^\s!=(),]*)$/.exec(text);
  if (equality) return equals(equality[1] ?? '', equality[2] ?? '', equality[3] ?? '');
  const existence = /^(!?)\s*([^\s!=(),]+)$/.exec(text);
  if (existence) return exists(existence[1] ?? '', existence[2] ?? '');
  throw badRequest(`unable to parse requirement: found '${text}', expected: a label requirement`);
}

function inSet(key: string, operator: string, list: string): LabelTest {
  const values = new Set(list.split(',').map((value) => value.trim()));
  if (operator === 'in') return (labels) => key in labels && values.has(labels[key] ?? '');
  return (labels) => !(key in labels) || !values.has(labels[key] ?? '');
}

function equals(key: string, operator: string, value: string): LabelTest {
  if (operator === '!=') return (labels) => labels[key] !== value;
  return (labels) => labels[key] === value;
}

function exists(not: string, key: string): LabelTest {
  return not === '!' ? (labels) => !(key in labels) : (labels) => key in labels;
}

/** `a.b=x,c!=y`: equality of fields only, as the API has it. */
export function parseFieldSelector(text: string, type?: Pick<ResourceType, 'custom'>): Selects {
  const tests = text.split(',').map((part) => parseFieldRequirement(part, type?.custom === true));
  return (object) => tests.every((test) => test(object));
}

/** Of custom resources only names can be asked for; which fields of built-in kinds can, is not checked. */
function parseFieldRequirement(text: string, isCustom: boolean): Selects {
  const match = /^\s*([A-Za-z0-9.[\]'/_-]+?)\s*(==|=|!=)\s*(.*?)\s*$/.exec(text);
  if (!match) throw badRequest(`invalid field selector: "${text}"; can't understand "${text}"`);
  const path = (match[1] ?? '').split('.');
  const value = match[3] ?? '';
  if (isCustom && !/^metadata\.name(space)?$/.test(match[1] ?? ''))
    throw badRequest(`field label not supported: ${match[1]}`);
  const wanted = match[2] !== '!=';
  return (object) => (fieldText(object, path) === value) === wanted;
}

function fieldText(object: KubeObject, path: readonly string[]): string {
  let value: unknown = object;
  for (const step of path) value = isJsonObject(value) ? value[step] : undefined;
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? `${value}` : '';
}

function splitOutsideBrackets(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
