import { hash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Problem } from '../../snapshot/problem.ts';
import { type UnreadPolicy, unreadIn, unreadInText } from '../resource/policies/unread.ts';
import { readObject } from '../resource/read-object.ts';
import type { ResourceKey } from '../resource/resource.ts';
import { type ParsedFile, parseYamlDocuments, type YamlDocument } from '../resource/yaml-documents.ts';
import { fingerprintOf, type ObjectVersion } from './source.ts';

/** More is not read: a file of objects this long is a mistake, and would hold up everything else. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** What one file of the folder holds, as last read. */
export type ObjectFile = {
  readonly path: string;
  /** Changes whenever the file does; undefined for a file known only from before a restart. */
  readonly identity?: string;
  readonly contentHash?: string;
  readonly parsed?: ParsedFile;
  /** In the order of the file. */
  readonly objects: readonly ObjectVersion[];
  /** Objects it defined before and that cannot be told now, because part of it cannot be read. */
  readonly held: readonly ResourceKey[];
  /** Faults of the file itself, not of a readable object. */
  readonly problems: readonly Problem[];
  /** What may guard hosts, is not held, and cannot be read. */
  readonly unread: readonly UnreadPolicy[];
};

/** A file that was there before a restart: what it holds is known by name only, until it is read. */
export function knownFile(path: string, keys: readonly ResourceKey[]): ObjectFile {
  return { path, objects: [], held: keys, problems: [], unread: [] };
}

/** Same identity: nothing was written since. ctime also tells a write whose mtime was set back. */
export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/** Reads and interprets a file. A file that cannot be read keeps everything it last defined. */
export async function readObjectFile(
  path: string,
  identity: string,
  previous: ObjectFile | undefined,
  namespace?: string,
): Promise<ObjectFile> {
  let bytes: Buffer;
  try {
    bytes = await readWhole(path);
  } catch (error) {
    return unreadable(path, identity, previous, reasonOf(error));
  }
  const contentHash = hash('sha1', bytes);
  if (previous?.contentHash === contentHash) return { ...previous, identity };
  return { ...interpretFile(path, bytes.toString('utf8'), previous, namespace), identity, contentHash };
}

/**
 * The objects of a text. Pure; unchanged documents keep the identity of their objects. `namespace` is that of objects
 * that name none.
 */
export function interpretFile(
  path: string,
  text: string,
  previous: ObjectFile | undefined,
  namespace = 'default',
): ObjectFile {
  const before = definedBy(previous);
  if (text.trim() === '' && before.length > 0) return emptied(path, before);
  const parsed = parseYamlDocuments(text, path, previous?.parsed);
  const reusable = reusableObjects(previous);
  const problems: Problem[] = [...parsed.problems];
  const objects: ObjectVersion[] = [];
  const unread: UnreadPolicy[] = [];
  let uncertain = parsed.problems.some((problem) => problem.severity === 'error');
  for (const document of parsed.documents) {
    const { version, nameless } = readVersion(document, reusable, namespace);
    if (version !== undefined) objects.push(version);
    problems.push(...nameless);
    const [fault] = nameless.filter(isError);
    if (fault !== undefined) unread.push(...unreadIn(document.value, fault, namespace));
    if (nameless.some(hidesName) || (isBroken(version) && !before.includes(version.key))) uncertain = true;
  }
  const now = new Set(objects.map((object) => object.key));
  const held = uncertain ? before.filter((key) => !now.has(key)) : [];
  return { path, parsed, objects, problems, held, unread: withoutHeld([...unreadTexts(parsed), ...unread], held) };
}

/** Every object that a file defines or is trusted to define still. */
export function definedBy(file: ObjectFile | undefined): readonly ResourceKey[] {
  if (file === undefined) return [];
  return [...new Set([...file.objects.map((object) => object.key), ...file.held])];
}

/** What texts that are no YAML say that they are. */
function unreadTexts({ faulty }: ParsedFile): UnreadPolicy[] {
  return faulty.flatMap(({ text, value, problem }) => unreadInText(text, value, problem));
}

/** An object that is held is known by its last good version; one without a readable name may be any that is held. */
function withoutHeld(unread: readonly UnreadPolicy[], held: readonly ResourceKey[]): UnreadPolicy[] {
  const rest = new Set(held);
  return unread
    .filter(({ policy }) => !rest.delete(policy))
    .filter(({ policy }) => {
      const some = policy.includes('/') ? undefined : [...rest].find((key) => key.startsWith(`${policy}/`));
      return some === undefined || !rest.delete(some);
    });
}

/** `nameless`: what is wrong with a document that does not even tell which object it is. */
function readVersion(
  document: YamlDocument,
  reusable: (document: YamlDocument) => ObjectVersion | undefined,
  defaultNamespace: string,
): { readonly version?: ObjectVersion; readonly nameless: readonly Problem[] } {
  const reused = reusable(document);
  if (reused !== undefined) return { version: reused, nameless: [] };
  const { key, resource, problems } = readObject(document, { defaultNamespace, strictness: 'folder' });
  if (key === undefined) return { nameless: problems };
  const fingerprint = fingerprintOf(document.value);
  const { value: raw, position } = document;
  return { version: { key, raw, fingerprint, position, ...(resource && { resource }), problems }, nameless: [] };
}

/** An unchanged document at an unchanged place gives the very same object, so that nothing is built anew for it. */
function reusableObjects(previous: ObjectFile | undefined): (document: YamlDocument) => ObjectVersion | undefined {
  const byValue = new Map<unknown, ObjectVersion>();
  for (const object of previous?.objects ?? [])
    if (typeof object.raw === 'object' && object.raw !== null) byValue.set(object.raw, object);
  return (document) => {
    const object = byValue.get(document.value);
    if (object === undefined || object.resource?.origin.document !== document.index) return undefined;
    const { line, column } = document.position;
    return object.position.line === line && object.position.column === column ? object : undefined;
  };
}

function emptied(path: string, held: readonly ResourceKey[]): ObjectFile {
  const problem: Problem = {
    severity: 'error',
    code: 'MG1002',
    message:
      'The file is empty, though it defined objects before (a full disk or an interrupted write does that). Bring its content back; to remove its objects, delete the file.',
    position: { file: path, line: 1, column: 1 },
  };
  return { path, objects: [], held, problems: [problem], unread: [] };
}

function unreadable(path: string, identity: string, previous: ObjectFile | undefined, reason: string): ObjectFile {
  const problem: Problem = {
    severity: 'error',
    code: 'MG0004',
    message: `The file cannot be read: ${reason}.`,
    position: { file: path, line: 1, column: 1 },
  };
  // Without content hash, so that the next reading is judged anew.
  return {
    path,
    identity: `${identity}:unreadable`,
    objects: [],
    held: definedBy(previous),
    problems: [problem],
    unread: [],
  };
}

async function readWhole(path: string): Promise<Buffer> {
  // A pipe of that name would keep us waiting for its writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error('it is not a regular file');
    if (stats.size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this program has no right to (its user needs r on the file and x on the folders above)',
  ENOENT: 'it is a link to nothing',
  EISDIR: 'it is a folder',
  EMFILE: 'this process has too many files open',
};

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? (code === '' ? error.message : code);
}

/** A document that cannot be used may be a known one with its name or kind misspelt; one of a kind that is not served is none. */
function hidesName(problem: Problem): boolean {
  return isError(problem) && problem.code !== 'MG0102';
}

function isBroken(version: ObjectVersion | undefined): version is ObjectVersion {
  return version !== undefined && version.resource === undefined && version.problems.some(isError);
}

function isError(problem: Problem): boolean {
  return problem.severity === 'error';
}
