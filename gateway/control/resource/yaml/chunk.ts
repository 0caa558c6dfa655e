import { type Document, isAlias, isScalar, visit, type YAMLError } from 'yaml';
import type { FieldPath } from '../resource.ts';
import { compose } from './compose.ts';
import { type Located, locate } from './locate.ts';
import { describeSyntaxError } from './syntax-error.ts';

type Node = Document.Parsed;

/** A fault of a chunk's text, at an offset in it. */
export type ChunkFault = {
  readonly kind: 'syntax' | 'hint' | 'too-deep' | 'alias';
  readonly offset: number;
  readonly message: string;
  /** What could still be read of the document: enough to name the object. */
  readonly value?: unknown;
};

/** A value read from a chunk; `index` counts the chunk's documents. */
export type ChunkValue = { readonly index: number; readonly start: number; readonly value: unknown };

/**
 * One chunk of a file, parsed. It keeps the plain values; the syntax tree (40 times as large) only as long as memory
 * allows, and parses again when a position is asked for later.
 */
export class Chunk {
  readonly text: string;
  readonly values: readonly ChunkValue[];
  readonly faults: readonly ChunkFault[];
  #tree: WeakRef<readonly Node[]>;

  constructor(text: string) {
    this.text = text;
    const { documents, tooDeep } = compose(text);
    const values: ChunkValue[] = [];
    const faults: ChunkFault[] = tooDeep.map((offset) => ({
      kind: 'too-deep',
      offset,
      message: 'This document nests deeper than 100 levels, which no object needs; it is not read. Make it flatter.',
    }));
    for (const [index, document] of documents.entries()) readDocument(document, index, values, faults);
    this.values = values;
    this.faults = faults;
    this.#tree = new WeakRef(documents);
  }

  /** Offsets, relative to the chunk, of a field of its document number `index`. */
  locate(index: number, path: FieldPath): Located {
    let tree = this.#tree.deref();
    if (tree === undefined) {
      tree = compose(this.text).documents;
      this.#tree = new WeakRef(tree);
    }
    const document = tree[index];
    return document === undefined ? { key: 0, value: 0, valueEnd: 0, depth: 0 } : locate(document, path);
  }
}

function readDocument(document: Node, index: number, values: ChunkValue[], faults: ChunkFault[]): void {
  for (const warning of document.warnings)
    faults.push({ kind: 'hint', offset: warning.pos[0], message: `${warning.message}: the tag is ignored.` });
  if (document.errors.length > 0) {
    const value = plainValue(document).value;
    for (const error of independentErrors(document.errors))
      faults.push({ kind: 'syntax', ...describeSyntaxError(error, document), value });
    return;
  }
  const plain = plainValue(document);
  if (plain.fault !== undefined) faults.push(plain.fault);
  else if (plain.value !== null && plain.value !== undefined)
    values.push({ index, start: document.contents?.range[0] ?? 0, value: plain.value });
}

/** After its first error a parser guesses, and finds errors that are none; only a repeated key is always one. */
function independentErrors(errors: readonly YAMLError[]): readonly YAMLError[] {
  const first = errors.find((error) => error.code !== 'DUPLICATE_KEY');
  return errors.filter((error) => error === first || error.code === 'DUPLICATE_KEY');
}

/** Expands aliases, within limits: a few lines of anchors can stand for billions of nodes. */
function plainValue(document: Node): { readonly value?: unknown; readonly fault?: ChunkFault } {
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown };
  } catch (error) {
    const unresolved = unresolvedAlias(document);
    if (unresolved !== undefined) {
      const message = `The alias *${unresolved.name} has no anchor: write &${unresolved.name} before it, or quote the text.`;
      return { fault: { kind: 'alias', offset: unresolved.offset, message } };
    }
    const cause = error instanceof Error ? error.message : 'unknown reason';
    const message = `The anchors and aliases of this document cannot be expanded (${cause}); write the values out.`;
    return { fault: { kind: 'alias', offset: document.contents?.range[0] ?? 0, message } };
  }
}

function unresolvedAlias(document: Node): { name: string; offset: number } | undefined {
  const anchors = new Set<string>();
  let found: { name: string; offset: number } | undefined;
  visit(document, (_key, node) => {
    if (isAlias(node) && !anchors.has(node.source)) {
      found = { name: node.source, offset: node.range?.[0] ?? 0 };
      return visit.BREAK;
    }
    if (isScalar(node) || (typeof node === 'object' && node !== null && 'anchor' in node))
      if (typeof node.anchor === 'string') anchors.add(node.anchor);
    return undefined;
  });
  return found;
}
