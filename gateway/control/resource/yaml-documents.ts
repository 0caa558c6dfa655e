// Promises: every readable YAML or JSON document of a text, with positions, and a Problem for each that is not.
// Never: throws for bad text, lets one broken document spoil its neighbours, or quotes source text in a Problem.
// Called by: sources (folder), validate-paths, the traffic shift (to find a scalar's place).
import type { ObjectRef, Problem, SourcePosition } from '../../snapshot/problem.ts';
import type { FieldPath } from './resource.ts';
import { Chunk, type ChunkFault } from './yaml/chunk.ts';
import { LineIndex } from './yaml/line-index.ts';
import { splitDocuments } from './yaml/split.ts';

/** One YAML document of a file (or one item of a `kind: List`), with a way to find positions. */
export type YamlDocument = {
  readonly file: string;
  /** Counts the file's non-empty documents from 0; the items of a List count one by one. */
  readonly index: number;
  /** Plain data: the same object as in `previous` when the document's text did not change. */
  readonly value: unknown;
  readonly position: SourcePosition;
  /** Of the key at `path` (`'key'`, the default; a list item has no key: its value) or of its value; else the nearest parent's. */
  positionOf(path: FieldPath, part?: 'key' | 'value'): SourcePosition;
  /** Offsets (UTF-16 units) of the value's source text in the file; absent when there is no such field. */
  rangeOf(path: FieldPath): { readonly start: number; readonly end: number } | undefined;
};

/** What a file holds. Hand it to the next parse of the same file: unchanged documents are not parsed again. */
export type ParsedFile = {
  readonly documents: readonly YamlDocument[];
  /** Syntax errors, each with a position and, where it could be read, the object. */
  readonly problems: readonly Problem[];
  /** Texts with such an error, one entry for each: what a parser could guess of them stands in `value`. */
  readonly faulty: readonly { readonly text: string; readonly value: unknown; readonly problem: Problem }[];
  readonly chunks: ReadonlyMap<string, Chunk>;
};

/** Parses a file's text. Empty documents are skipped, `kind: List` is expanded. */
export function parseYamlDocuments(text: string, file: string, previous?: ParsedFile): ParsedFile {
  const lines = new LineIndex(file, text);
  const chunks = new Map<string, Chunk>();
  const documents: YamlDocument[] = [];
  const problems: Problem[] = [];
  const faulty: ParsedFile['faulty'][number][] = [];
  for (const part of splitDocuments(text)) {
    const chunk = chunks.get(part.text) ?? previous?.chunks.get(part.text) ?? new Chunk(part.text);
    chunks.set(part.text, chunk);
    const faults = chunk.faults.map((fault) => ({
      value: fault.value,
      problem: toProblem(fault, lines.positionAt(part.start + fault.offset)),
    }));
    for (const { problem } of faults) problems.push(problem);
    const first = faults.find(({ problem }) => problem.severity === 'error');
    if (first !== undefined) faulty.push({ text: part.text, ...first });
    for (const { index, start, value } of chunk.values)
      for (const item of listItems(value, part.start + start))
        documents.push(new ChunkDocument(documents.length, item, file, { chunk, index, start: part.start, lines }));
  }
  return { documents, problems, faulty, chunks };
}

/** A document that comes from elsewhere than a text (a cluster, our own state): every position is the same. */
export function plainDocument(value: unknown, file: string, position?: SourcePosition): YamlDocument {
  return new PlainDocument(value, position ?? { file, line: 1, column: 1 });
}

/** Of these there are tens of thousands: it has no more than it needs. */
class PlainDocument implements YamlDocument {
  readonly value: unknown;
  readonly position: SourcePosition;

  constructor(value: unknown, position: SourcePosition) {
    this.value = value;
    this.position = position;
  }

  get file(): string {
    return this.position.file;
  }

  get index(): number {
    return 0;
  }

  positionOf(): SourcePosition {
    return this.position;
  }

  rangeOf(): undefined {
    return undefined;
  }
}

type Place = { readonly chunk: Chunk; readonly index: number; readonly start: number; readonly lines: LineIndex };
type Item = {
  readonly value: unknown;
  readonly prefix: FieldPath;
  /** Offset in the file; absent where it would need the syntax tree. */
  readonly offset?: number;
};

class ChunkDocument implements YamlDocument {
  readonly index: number;
  readonly value: unknown;
  readonly file: string;
  readonly #place: Place;
  readonly #prefix: FieldPath;
  /** Asked for all documents of a file whenever one of them changes: must not need the syntax tree. */
  #position: SourcePosition | undefined;

  constructor(index: number, item: Item, file: string, place: Place) {
    this.index = index;
    this.value = item.value;
    this.file = file;
    this.#prefix = item.prefix;
    this.#place = place;
    if (item.offset !== undefined) this.#position = place.lines.positionAt(item.offset);
  }

  get position(): SourcePosition {
    this.#position ??= this.positionOf([], 'value');
    return this.#position;
  }

  positionOf(path: FieldPath, part: 'key' | 'value' = 'key'): SourcePosition {
    const { chunk, index, start, lines } = this.#place;
    const full = [...this.#prefix, ...path];
    const found = chunk.locate(index, full);
    const exists = found.depth === full.length;
    return lines.positionAt(start + (part === 'value' && exists ? found.value : found.key));
  }

  rangeOf(path: FieldPath): { readonly start: number; readonly end: number } | undefined {
    const { chunk, index, start } = this.#place;
    const full = [...this.#prefix, ...path];
    const found = chunk.locate(index, full);
    return found.depth === full.length ? { start: start + found.value, end: start + found.valueEnd } : undefined;
  }
}

/** `kubectl get -o yaml` writes lists; also `kind: ServiceList` and the like. */
function listItems(value: unknown, offset: number): readonly Item[] {
  const single = [{ value, prefix: [], offset }];
  if (typeof value !== 'object' || value === null || !('items' in value) || !('kind' in value)) return single;
  if (typeof value.kind !== 'string' || !value.kind.endsWith('List') || !Array.isArray(value.items)) return single;
  return value.items.map((item: unknown, index) => ({ value: item, prefix: ['items', index] }));
}

function toProblem(fault: ChunkFault, position: SourcePosition): Problem {
  const object = objectOf(fault.value);
  const base = { position, ...(object && { object }) };
  if (fault.kind === 'hint') return { severity: 'warning', code: 'MG0002', message: fault.message, ...base };
  if (fault.kind !== 'syntax') return { severity: 'error', code: 'MG0003', message: fault.message, ...base };
  const message = `YAML syntax error: ${fault.message} Until then this document is not read; what it held before stays.`;
  return { severity: 'error', code: 'MG0001', message, ...base };
}

/** The name of a broken document's object, when that much could be read. */
function objectOf(value: unknown): ObjectRef | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('metadata' in value)) return undefined;
  const { kind, metadata } = value;
  if (typeof kind !== 'string' || typeof metadata !== 'object' || metadata === null) return undefined;
  if (!('name' in metadata) || typeof metadata.name !== 'string') return undefined;
  const namespace = 'namespace' in metadata && typeof metadata.namespace === 'string' ? metadata.namespace : 'default';
  return { kind, namespace, name: metadata.name };
}
