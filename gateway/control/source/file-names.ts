import path from 'node:path';

const OBJECT_FILE = /\.(ya?ml|json)$/i;

/** What a name inside the folder stands for. */
export type NameKind =
  /** May hold objects. */
  | 'objects'
  /** Kubernetes swaps a mounted ConfigMap by renaming this symlink: every file may have changed. */
  | 'swap'
  /** Hidden, or left by an editor while it saves. */
  | 'ignored'
  /** A subfolder, or a file of no interest. */
  | 'other';

export function kindOfName(name: string): NameKind {
  if (name === '..data') return 'swap';
  if (name.startsWith('.') || name.startsWith('#') || name.endsWith('~')) return 'ignored';
  return OBJECT_FILE.test(name) ? 'objects' : 'other';
}

/** Sorted as people list files: folder by folder, byte order. The first of two files that define one object wins. */
export function comparePaths(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** True when `file` lies in `folder` or below. */
export function isInside(file: string, folder: string): boolean {
  return file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
}
