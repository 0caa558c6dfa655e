import type { ObjectItem } from '../api/object-schema.ts';
import type { ProblemItem } from '../api/schemas.ts';
import { resources } from './resources.ts';
import { type Column, formatTable } from './table.ts';
import { formatPosition } from './where.ts';

type Form = { readonly wide: boolean; readonly pageOf: ((code: string) => string) | undefined };

/** Of longer lists the first are shown, but for `-o wide`. */
const MAX_ROWS = 20;
const LABEL = 14;

/** An object in the manner of `kubectl describe`: names and values, then what it became as tables. */
export function formatObject(item: ObjectItem, form: Form): string {
  const { served } = item;
  return [
    ...headOf(item).map(([name, value]) => `${(name === '' ? '' : `${name}:`).padEnd(LABEL)}${clean(value)}\n`),
    section('Problems', item.problems.length === 0 ? 'none' : problemLines(item.problems, form)),
    list('listeners', 'Listeners', served.listeners, form),
    section('Hosts', served.hosts.length === 0 ? undefined : lines(served.hosts, form)),
    list('routes', 'Routes', served.routes, form),
    list('clusters', 'Clusters', served.clusters, form),
    list('endpoints', 'Endpoints', served.endpoints, form),
    table('Not ready', served.notReady, notReadyColumns, form),
    list('certificates', 'Certificates', served.certificates, form),
    section('Served', isNothing(served) ? 'the workers have nothing of it' : undefined),
    table('Refers to', item.refersTo, referenceColumns, form),
    table('Referred by', item.referredBy, referenceColumns, form),
  ].join('');
}

function headOf(item: ObjectItem): [string, string][] {
  return [
    ['Name', item.name],
    ...(item.namespace === '' ? [] : ([['Namespace', item.namespace]] as [string, string][])),
    ['Kind', `${item.kind}${item.apiVersion === undefined ? '' : ` (${item.apiVersion})`}`],
    ['Source', formatPosition(item.source)],
    ...optional('Known as of', item.syncedAt),
    ...optional('Created', item.createdAt),
    ...optional('Generation', item.generation === undefined ? undefined : String(item.generation)),
    ['State', item.state],
    ['', item.summary],
    ...optional('Last good', item.lastGood && formatPosition(item.lastGood)),
  ].map(([name = '', value = '']) => [name, value]);
}

function optional(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]];
}

/** Each with the sentence that tells how to mend it, and the page of its code. */
function problemLines(problems: readonly ProblemItem[], { pageOf }: Form): string {
  const each = problems.map(({ severity, code, field, message }) => {
    const where = field === undefined || field === '' ? '' : ` ${field}`;
    return `  ${severity} ${code}${clean(where)}\n    ${clean(message)}\n`;
  });
  const codes = [...new Set(problems.map(({ code }) => code))].sort();
  const pages = pageOf === undefined ? [] : codes.map((code) => `  ${code} is explained in ${pageOf(code)}\n`);
  return `\n${[...each, ...pages].join('')}`;
}

const referenceColumns: readonly Column<ObjectItem['refersTo'][number]>[] = [
  { title: 'KIND', cell: ({ kind }) => kind },
  { title: 'OBJECT', cell: ({ namespace, name }) => (namespace === '' ? name : `${namespace}/${name}`) },
  { title: 'FOUND', cell: ({ isThere }) => (isThere ? 'yes' : 'no') },
];

const notReadyColumns: readonly Column<ObjectItem['served']['notReady'][number]>[] = [
  { title: 'ADDRESS', cell: ({ address }) => address },
  { title: 'WHY', cell: ({ why }) => why },
];

/** A table as `get` shows it. */
function list(name: string, title: string, items: readonly unknown[], form: Form): string {
  const resource = resources.find((one) => one.name === name);
  if (resource === undefined || items.length === 0) return '';
  return section(
    title,
    shortened(items, form, (rows) => resource.table(rows, form)),
  );
}

function table<T>(title: string, rows: readonly T[], columns: readonly Column<T>[], form: Form): string {
  return rows.length === 0
    ? ''
    : section(
        title,
        shortened(rows, form, (some) => formatTable(some, columns, form)),
      );
}

function lines(texts: readonly string[], form: Form): string {
  return shortened(texts, form, (some) => some.map((one) => `${clean(one)}\n`).join(''));
}

function shortened<T>(rows: readonly T[], { wide }: Form, format: (rows: readonly T[]) => string): string {
  const shown = wide ? rows : rows.slice(0, MAX_ROWS);
  const more = rows.length - shown.length;
  const text = `${format(shown)}${more > 0 ? `and ${more} more (-o wide shows all)\n` : ''}`;
  return `\n${text.replaceAll(/^(?=.)/gm, '  ')}`;
}

function section(title: string, text: string | undefined): string {
  if (text === undefined) return '';
  return text.startsWith('\n') ? `${title}:${text}` : `${`${title}:`.padEnd(LABEL)}${text}\n`;
}

function isNothing(served: ObjectItem['served']): boolean {
  return Object.values(served).every((some) => some.length === 0);
}

/** One line, without what a terminal would obey. */
function clean(text: string): string {
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
}
