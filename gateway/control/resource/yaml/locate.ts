import { type Document, isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { FieldPath } from '../resource.ts';

/** Offsets of one field: of its key (for a list item, of its value) and of its value. */
export type Located = {
  readonly key: number;
  readonly value: number;
  readonly valueEnd: number;
  /** How many steps of the path exist. */
  readonly depth: number;
};

/** Finds the field at `path`, or its nearest parent that exists. */
export function locate(document: Document.Parsed, path: FieldPath): Located {
  const root = document.contents;
  let found: Located = {
    key: root?.range[0] ?? 0,
    value: root?.range[0] ?? 0,
    valueEnd: root?.range[1] ?? 0,
    depth: 0,
  };
  let node: unknown = root;
  for (const step of path) {
    const child = childOf(resolveAlias(node, document), step);
    if (child === undefined) break;
    const key = start(child.key) ?? start(child.value) ?? found.key;
    found = { key, value: start(child.value) ?? key, valueEnd: end(child.value) ?? key, depth: found.depth + 1 };
    node = child.value;
  }
  return found;
}

function childOf(node: unknown, step: string | number): { key: unknown; value: unknown } | undefined {
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
    return pair && { key: pair.key, value: pair.value };
  }
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step];
    return item === undefined ? undefined : { key: item, value: item };
  }
  return undefined;
}

function resolveAlias(node: unknown, document: Document.Parsed): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function start(node: unknown): number | undefined {
  return rangeOf(node)?.[0];
}

function end(node: unknown): number | undefined {
  return rangeOf(node)?.[1];
}

function rangeOf(node: unknown): readonly [number, number, number] | undefined {
  if (!isMap(node) && !isSeq(node) && !isScalar(node) && !isAlias(node)) return undefined;
  return node.range ?? undefined;
}
