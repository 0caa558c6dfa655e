// Promises: says about files and folders what the running gateway would say about them, without serving anything.
// Never: talks to a gateway or a cluster, changes a file, or takes what is absent from a part of a configuration for an error.
// Called by: `mesh-gateway validate` (offline), the tests of the examples.
import { stat } from 'node:fs/promises';
import type { Problem } from '../snapshot/problem.ts';
import type { AnalyzeOptions } from './resource/analyze/options.ts';
import { analyze } from './resource/analyze.ts';
import type { UnreadPolicy } from './resource/policies/unread.ts';
import { compareProblems } from './resource/problem-order.ts';
import type { Resource } from './resource/resource.ts';
import { Claims } from './source/claims.ts';
import { comparePaths } from './source/file-names.ts';
import { scanFolder } from './source/folder-scan.ts';
import { interpretFile, type ObjectFile, readObjectFile } from './source/object-file.ts';

export type Validation = {
  /** Sorted by file, line and column. */
  readonly problems: readonly Problem[];
  /** Documents that were read, of any kind. */
  readonly objects: number;
  readonly files: number;
};

/** What was given to be validated, read and not yet seen together. */
export type Given = Validation & { readonly resources: readonly Resource[]; readonly unread: readonly UnreadPolicy[] };

/** What the paths do not say themselves. */
export type Reading = {
  /** What `-` gives. */
  readonly stdin?: (() => Promise<string>) | undefined;
  /** Of objects that name none; `default` if absent. */
  readonly namespace?: string | undefined;
};

/** The name that stands for standard input. */
const STDIN = '-';

const DEFAULTS: AnalyzeOptions = {
  gatewayNamespace: 'istio-system',
  gatewayLabels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
  nodePorts: [31_380, 31_390].map((port) => ({ port, purpose: 'by default a port for traffic' })),
  scope: 'partial',
};

/** Validates files (of any name) and folders (their .yaml, .yml and .json files, subfolders included), all together. */
export async function validatePaths(
  paths: readonly string[],
  options?: Partial<AnalyzeOptions>,
  reading: Reading = {},
): Promise<Validation> {
  const { resources, unread, problems, ...counts } = await readPaths(paths, reading);
  const found = [...problems, ...analyze(resources, { ...DEFAULTS, ...options }, unread)];
  return { ...counts, problems: found.sort(compareProblems) };
}

/** Reads everything that the paths name. */
export async function readPaths(paths: readonly string[], reading: Reading): Promise<Given> {
  const problems: Problem[] = [];
  const names = new Set<string>();
  for (const path of paths) for (const name of await filesAt(path, problems)) names.add(name);
  const files: ObjectFile[] = [];
  for (const name of [...names].sort(comparePaths)) files.push(await readFile(name, reading));
  const resources: Resource[] = [];
  for (const file of files) {
    problems.push(...file.problems);
    for (const object of file.objects) {
      problems.push(...object.problems);
      if (object.resource !== undefined) resources.push(object.resource);
    }
  }
  const claims = new Claims();
  for (const file of files) claims.tell(claims.replace(undefined, file));
  problems.push(...claims.duplicates());
  const unread = [...files.flatMap((file) => file.unread), ...claims.ignoredPolicies()];
  const objects = files.reduce((sum, file) => sum + (file.parsed?.documents.length ?? 0), 0);
  return { resources, unread, problems, objects, files: files.length };
}

async function readFile(name: string, { stdin, namespace }: Reading): Promise<ObjectFile> {
  if (name !== STDIN || stdin === undefined) return readObjectFile(name, '', undefined, namespace);
  return interpretFile('<stdin>', await stdin(), undefined, namespace);
}

/** What a path stands for; a path without anything to read is a Problem, not silence. */
async function filesAt(path: string, problems: Problem[]): Promise<readonly string[]> {
  if (path === STDIN) return [path];
  const position = { file: path, line: 1, column: 1 };
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) {
    problems.push({
      severity: 'error',
      code: 'MG0004',
      message: 'There is no such file or folder: correct the path.',
      position,
    });
    return [];
  }
  if (!stats.isDirectory()) return [path];
  const { files, unreadable } = await scanFolder(path, () => {});
  for (const [name, code] of unreadable)
    problems.push({
      severity: 'error',
      code: 'MG0004',
      message: `It cannot be read (${code}): check its rights.`,
      position: { ...position, file: name },
    });
  if (files.size === 0 && unreadable.size === 0)
    problems.push({
      severity: 'warning',
      code: 'MG0007',
      message: 'This folder holds no .yaml, .yml or .json file: nothing was validated.',
      position,
    });
  return [...files.keys()];
}
