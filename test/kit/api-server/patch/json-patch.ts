import { copyOf, isJsonObject, isSameJson, type JsonObject } from '../kube-object.ts';

/** Why a patch could not be applied: `malformed` is no JSON Patch at all, `failed` does not fit this document. */
export class PatchError extends Error {
  readonly why: 'malformed' | 'failed';

  constructor(why: 'malformed' | 'failed', message: string) {
    super(message);
    this.why = why;
  }
}

type Operation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: readonly string[]; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: readonly string[] }
  | { readonly op: 'move' | 'copy'; readonly path: readonly string[]; readonly from: readonly string[] };

/** RFC 6902: all operations, or none and a PatchError. The document given is left as it is. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw new PatchError('malformed', 'error decoding patch: a JSON Patch is an array of operations');
  const operations = patch.map(parseOperation);
  // The document becomes the member of a holder, so that the path "" needs no case of its own.
  const holder: JsonObject = { '': copyOf(document) };
  for (const operation of operations) perform(holder, operation);
  return holder[''];
}

function parseOperation(value: unknown): Operation {
  if (!isJsonObject(value)) throw new PatchError('malformed', 'an operation of a JSON Patch is an object');
  const path = parsePointer(value['path']);
  switch (value['op']) {
    case 'add':
    case 'replace':
    case 'test':
      if (!('value' in value) && value['op'] !== 'test')
        throw new PatchError('malformed', 'an operation lacks its value');
      return { op: value['op'], path, value: value['value'] ?? null };
    case 'remove':
      return { op: 'remove', path };
    case 'move':
    case 'copy':
      return { op: value['op'], path, from: parsePointer(value['from']) };
    default:
      throw new PatchError('failed', `unexpected kind: ${String(value['op'])}`);
  }
}

/** RFC 6901, with the holder's own member first. */
function parsePointer(value: unknown): readonly string[] {
  if (typeof value !== 'string' || (value !== '' && !value.startsWith('/')))
    throw new PatchError('malformed', 'a path is a JSON Pointer');
  return value.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function perform(holder: JsonObject, operation: Operation): void {
  switch (operation.op) {
    case 'add':
      add(holder, operation.path, copyOf(operation.value));
      return;
    case 'remove':
      remove(holder, operation.path);
      return;
    case 'replace':
      replace(holder, operation.path, copyOf(operation.value));
      return;
    case 'move':
      move(holder, operation);
      return;
    case 'copy':
      add(holder, operation.path, copyOf(valueAt(holder, operation.from)));
      return;
    case 'test':
      test(holder, operation);
  }
}

function add(holder: JsonObject, path: readonly string[], value: unknown): void {
  const [parent, last] = parentOf(holder, path);
  if (!Array.isArray(parent)) {
    parent[last] = value;
    return;
  }
  const index = last === '-' ? parent.length : indexIn(last, parent.length);
  parent.splice(index, 0, value);
}

function remove(holder: JsonObject, path: readonly string[]): void {
  const [parent, last] = existing(holder, path);
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
}

/** A member that is not there is added: RFC 6902 makes a failure of that, and the API server's library does not. */
function replace(holder: JsonObject, path: readonly string[], value: unknown): void {
  const [parent, last] = parentOf(holder, path);
  if (Array.isArray(parent)) parent[indexIn(last, parent.length - 1)] = value;
  else parent[last] = value;
}

function move(holder: JsonObject, { from, path }: { from: readonly string[]; path: readonly string[] }): void {
  if (path.length > from.length && from.every((step, index) => step === path[index]))
    throw new PatchError('failed', 'a value cannot be moved into itself');
  const value = valueAt(holder, from);
  remove(holder, from);
  add(holder, path, value);
}

/** A missing member equals null, as in the API server's library. */
function test(holder: JsonObject, { path, value }: { path: readonly string[]; value: unknown }): void {
  const [parent, last] = parentOf(holder, path);
  const actual = Array.isArray(parent) ? parent[indexIn(last, parent.length - 1)] : (parent[last] ?? null);
  if (!isSameJson(actual, value)) throw new PatchError('failed', `testing value /${path.slice(1).join('/')} failed`);
}

function valueAt(holder: JsonObject, path: readonly string[]): unknown {
  const [parent, last] = existing(holder, path);
  return Array.isArray(parent) ? parent[Number(last)] : parent[last];
}

function existing(holder: JsonObject, path: readonly string[]): [JsonObject | unknown[], string] {
  const [parent, last] = parentOf(holder, path);
  if (Array.isArray(parent)) indexIn(last, parent.length - 1);
  else if (!Object.hasOwn(parent, last)) throw missing(path);
  return [parent, last];
}

function parentOf(holder: JsonObject, path: readonly string[]): [JsonObject | unknown[], string] {
  let parent: JsonObject | unknown[] = holder;
  for (const step of path.slice(0, -1)) {
    const next: unknown = Array.isArray(parent) ? parent[indexIn(step, parent.length - 1)] : parent[step];
    if (!Array.isArray(next) && !isJsonObject(next)) throw missing(path);
    parent = next;
  }
  return [parent, path.at(-1) ?? ''];
}

function indexIn(step: string, highest: number): number {
  if (!/^(0|[1-9]\d*)$/.test(step) || Number(step) > highest)
    throw new PatchError('failed', `unable to access invalid index: ${step}`);
  return Number(step);
}

function missing(path: readonly string[]): PatchError {
  return new PatchError('failed', `doc is missing path: /${path.slice(1).join('/')}`);
}
