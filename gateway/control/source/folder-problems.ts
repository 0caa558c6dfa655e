import type { Problem } from '../../snapshot/problem.ts';
import type { SourceProblem } from './source.ts';

/** What is wrong with the folder itself. */
export type FolderFaults = {
  readonly folder: string;
  /** See `hold.ts`. */
  readonly held: string | undefined;
  /** Places that cannot be looked at, with the error's code. */
  readonly unreadable: ReadonlyMap<string, string>;
  /** Code of the error that keeps it from being watched. */
  readonly unwatched: string | undefined;
};

/** The folder's own faults, for people. */
export function folderProblems({ folder, held, unreadable, unwatched }: FolderFaults): SourceProblem[] {
  const problems: Problem[] = [];
  if (held !== undefined) problems.push(at(folder, 'error', 'MG1001', held));
  for (const [place, code] of unreadable) {
    if (place !== folder)
      problems.push(
        at(
          place,
          'error',
          'MG0004',
          `${place} cannot be looked at (${code}); what it last held stays. Check its rights.`,
        ),
      );
    else if (held === undefined)
      problems.push(
        at(
          place,
          'error',
          'MG1001',
          `The folder ${folder} cannot be read (${code}), so there is nothing to serve. Create it, or correct \`source\` in the settings.`,
        ),
      );
  }
  if (unwatched !== undefined) {
    const message =
      `Changes in ${folder} cannot be watched (${unwatched}); it is looked at every second instead. ENOSPC or EMFILE mean that ` +
      'fs.inotify.max_user_watches or max_user_instances is used up: raise it with sysctl.';
    problems.push(at(folder, 'warning', 'MG1003', message));
  }
  return problems.map((problem) => ({ problem, holds: [] }));
}

function at(file: string, severity: 'error' | 'warning', code: string, message: string): Problem {
  return { severity, code, message, position: { file, line: 1, column: 1 } };
}
