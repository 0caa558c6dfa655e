import { isDeepStrictEqual } from 'node:util';
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, Scalar, type YAMLMap } from 'yaml';
import { type ParsedFile, parseYamlDocuments, type YamlDocument } from '../resource/yaml-documents.ts';

/** New weights for destinations of one rule, by index in `spec.http` and in its `route`. */
export type WeightEdits = {
  readonly rule: number;
  readonly edits: readonly { readonly destination: number; readonly weight: number }[];
};

type Splice = { readonly start: number; readonly end: number; readonly text: string };

export type EditedText = { readonly text: string; readonly document: YamlDocument };

/** Says why a text cannot be edited, as a sentence that begins with what is in the way. */
export class CannotEdit extends Error {
  override readonly name = 'CannotEdit';
}

/**
 * The text (which `parsed` and `document` come from) with only the scalars of these weights replaced: re-printing YAML would rewrite people's files. The result is
 * read again, and must differ from before in exactly these weights. Throws {@link CannotEdit}.
 */
export function editWeights(text: string, parsed: ParsedFile, document: YamlDocument, change: WeightEdits): EditedText {
  const splices = findSplices(text, document, change);
  const edited = splice(text, splices);
  return { text: edited, document: verified(edited, parsed, document, change) };
}

/** Applies replacements that do not overlap. */
function splice(text: string, splices: readonly Splice[]): string {
  let result = text;
  for (const { start, end, text: replacement } of splices.toSorted((a, b) => b.start - a.start))
    result = result.slice(0, start) + replacement + result.slice(end);
  return result;
}

function findSplices(text: string, document: YamlDocument, { rule, edits }: WeightEdits): Splice[] {
  const range = document.rangeOf([]);
  if (range === undefined) throw new CannotEdit('The object cannot be found in its file.');
  // The object alone is parsed, at the column where it stands: it may be an item of a List.
  const column = range.start - (text.lastIndexOf('\n', range.start - 1) + 1);
  const offset = range.start - column;
  const part = ' '.repeat(column) + text.slice(range.start, range.end);
  const parsed = parseDocument(part);
  if (parsed.errors.length > 0)
    throw new CannotEdit('The object leans on parts of the file outside of it (an anchor).');
  const route = stepInto(parsed.contents, ['spec', 'http', rule, 'route']);
  return edits.map(({ destination, weight }) => {
    const item = stepInto(route, [destination], 'spec.http[].route');
    if (!isMap(item)) throw new CannotEdit(`route[${destination}] is not a mapping.`);
    const { start, end, text: replacement } = spliceOf(part, item, weight);
    return { start: start + offset, end: end + offset, text: replacement };
  });
}

/** Aliases are refused on the way: what they stand for is used elsewhere as well. */
function stepInto(node: unknown, path: readonly (string | number)[], at = ''): unknown {
  let current = node;
  let place = at;
  for (const step of path) {
    place = typeof step === 'number' ? `${place}[${step}]` : `${place}${place === '' ? '' : '.'}${step}`;
    if (isMap(current) || isSeq(current)) current = current.get(step, true);
    else throw new CannotEdit(`${place} is not in the object as it was read.`);
    if (isAlias(current))
      throw new CannotEdit(`${place} is an alias (*${current.source}), so other places would change with it.`);
  }
  return current;
}

function spliceOf(text: string, item: YAMLMap, weight: number): Splice {
  const pair = item.items.find((candidate) => isScalar(candidate.key) && candidate.key.value === 'weight');
  if (pair === undefined) return insertion(text, item, weight);
  const { value } = pair;
  if (isAlias(value))
    throw new CannotEdit(`A weight is an alias (*${value.source}), so other places would change with it.`);
  if (isScalar(value) && value.anchor !== undefined)
    throw new CannotEdit(`A weight has an anchor (&${value.anchor}), so other places may change with it.`);
  if (!isScalar(value) || !value.range) throw new CannotEdit('A weight is not a plain number.');
  const [start, end] = value.range;
  // `weight:` with nothing behind it.
  const blank = start === end && text[start - 1] === ':' ? ' ' : '';
  return { start, end, text: `${blank}${weight}` };
}

function insertion(text: string, item: YAMLMap, weight: number): Splice {
  const first = item.items[0];
  const last = item.items.at(-1);
  if (first === undefined || last === undefined) throw new CannotEdit('A destination is empty.');
  return item.flow ? flowInsertion(text, item, last, weight) : blockInsertion(text, first, last, weight);
}

/** A line of its own after the last one, in the column of the first key. */
function blockInsertion(text: string, first: Pair, last: Pair, weight: number): Splice {
  const keyStart = startOf(first.key);
  const indent = ' '.repeat(keyStart - (text.lastIndexOf('\n', keyStart - 1) + 1));
  const eol = eolNear(text, keyStart);
  const end = endOfContent(last);
  if (text[end - 1] === '\n') return { start: end, end, text: `${indent}weight: ${weight}${eol}` };
  const newline = text.indexOf('\n', end);
  const lineEnd = newline === -1 ? text.length : newline - (text[newline - 1] === '\r' ? 1 : 0);
  return { start: lineEnd, end: lineEnd, text: `${eol}${indent}weight: ${weight}` };
}

/** After the last entry, spaced and quoted as that is. */
function flowInsertion(text: string, item: YAMLMap, last: Pair, weight: number): Splice {
  const keyStart = startOf(last.key);
  const end = endOfContent(last);
  const isQuoted = isScalar(last.key) && last.key.type === Scalar.QUOTE_DOUBLE;
  const colon = text.indexOf(':', endOf(last.key));
  const isTight = isQuoted && /\S/.test(text[colon + 1] ?? '');
  const opening = item.range?.[0] ?? keyStart;
  const isManyLines = text.slice(opening, keyStart).includes('\n');
  const lineStart = text.lastIndexOf('\n', keyStart - 1) + 1;
  const indent = isManyLines ? eolNear(text, opening) + (text.slice(lineStart, keyStart).match(/^\s*/)?.[0] ?? '') : '';
  const separator = isManyLines ? `,${indent}` : isTight ? ',' : ', ';
  const key = isQuoted ? '"weight"' : 'weight';
  return { start: end, end, text: `${separator}${key}:${isTight ? '' : ' '}${weight}` };
}

/** Where the last character that means something ends: a block collection's own range reaches over what follows it. */
function endOfContent(pair: Pair): number {
  const { key, value } = pair;
  if ((isMap(value) || isSeq(value)) && !value.flow) {
    const last = value.items.at(-1);
    if (last === undefined) return endOf(value);
    return isMap(value) ? endOfContent(last as Pair) : endOfContent({ key: last, value: last } as Pair);
  }
  const end = value === null ? undefined : (value as Node).range?.[1];
  return end ?? endOf(key);
}

function startOf(node: unknown): number {
  return (node as Node).range?.[0] ?? 0;
}

function endOf(node: unknown): number {
  return (node as Node).range?.[1] ?? 0;
}

function eolNear(text: string, offset: number): string {
  const newline = text.indexOf('\n', offset);
  return newline > 0 && text[newline - 1] === '\r' ? '\r\n' : '\n';
}

/** The proof: everything in the file reads as before, but for these weights. */
function verified(after: string, old: ParsedFile, document: YamlDocument, change: WeightEdits): YamlDocument {
  const now = parseYamlDocuments(after, document.file, old);
  const expected = old.documents.map(({ value }, index) =>
    index === document.index ? withWeights(value, change) : value,
  );
  const values = now.documents.map(({ value }) => value);
  const edited = now.documents[document.index];
  const sameFaults = now.problems.length === old.problems.length;
  if (edited === undefined || !sameFaults || !isDeepStrictEqual(values, expected))
    throw new CannotEdit('Other values than the weights would change with them.');
  return edited;
}

function withWeights(value: unknown, { rule, edits }: WeightEdits): unknown {
  const copy = unshared(value) as { spec: { http: { route: { weight?: number }[] }[] } };
  for (const { destination, weight } of edits) {
    const entry = copy.spec.http[rule]?.route[destination];
    if (entry !== undefined) entry.weight = weight;
  }
  return copy;
}

/** A copy in which no two places are one object, as they are where an alias was read. */
function unshared(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unshared);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, unshared(part)]));
}
