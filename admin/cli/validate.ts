import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Problem } from '../../gateway/snapshot/problem.ts';
import type { CliDeps, CliIo, ValidateOptions, ValidateResult } from './deps.ts';
import { CliError, type ExitCode, exitCodes } from './exit-codes.ts';
import { formatData } from './output.ts';
import { plural } from './plural.ts';
import { formatPosition } from './where.ts';

/** Code of a fault in a settings file; those of objects come with the problem. */
const SETTINGS_CODE = 'SETTINGS';

/**
 * `validate PATH...`: checks objects and settings files without a running gateway. Results on stdout, one problem a
 * line or JSON; a summary and the pages of the codes on stderr. 1 when there is an error, 0 otherwise.
 */
export async function validate(
  paths: readonly string[],
  flags: ValidateFlags,
  deps: CliDeps,
  io: CliIo,
): Promise<ExitCode> {
  const settings = paths.filter((one) => isSettingsFile(path.resolve(io.cwd, one), deps));
  const objects = paths.filter((one) => !settings.includes(one));
  const found = objects.length === 0 ? nothing : await deps.validate(objects, optionsOf(flags, io));
  const faults = settings.flatMap((file) => settingsProblems(file, deps, io));
  const result = {
    files: found.files + settings.length,
    objects: found.objects,
    problems: [...found.problems, ...faults],
  };
  const counts = { errors: 0, warnings: 0, infos: 0 };
  for (const { severity } of result.problems) counts[`${severity}s`] += 1;
  if (flags.output !== 'text') {
    const summary = { files: result.files, objects: result.objects, ...counts };
    io.out(formatData({ summary, problems: result.problems }, flags.output));
  } else {
    io.out(result.problems.map((problem) => `${formatProblem(problem, paint(io))}\n`).join(''));
  }
  io.err(
    `${plural(result.objects, 'object')} in ${plural(result.files, 'file')}: ` +
      `${plural(counts.errors, 'error')}, ${plural(counts.warnings, 'warning')}, ${plural(counts.infos, 'info')}\n`,
  );
  if (flags.output === 'text') io.err(pagesOf(result.problems, deps));
  return counts.errors > 0 ? exitCodes.failed : exitCodes.ok;
}

/** What people may add to the paths. */
export type ValidateFlags = {
  readonly output: 'text' | 'json' | 'yaml';
  readonly namespace?: string;
  readonly settings?: string;
  readonly against?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
};

/** As kubectl finds its cluster: the flag, then KUBECONFIG (the first file of several), then the home folder. */
function optionsOf(flags: ValidateFlags, io: CliIo): ValidateOptions {
  const { settings, against = false, context, kubeconfig, namespace } = flags;
  if (!against && (kubeconfig ?? context) !== undefined)
    throw new CliError(exitCodes.usage, '--kubeconfig and --context name a cluster: add --against to look at it.');
  const found = kubeconfig ?? io.env['KUBECONFIG']?.split(path.delimiter).find((file) => file !== '');
  const file = path.resolve(io.cwd, found ?? path.join(io.env['HOME'] ?? '/', '.kube/config'));
  return {
    stdin: io.stdin,
    ...(namespace !== undefined && { namespace }),
    ...(settings !== undefined && { settings: path.resolve(io.cwd, settings) }),
    ...(against && { against: { kubeconfig: file, ...(context !== undefined && { context }) } }),
  };
}

/** One line for each code that was found. */
function pagesOf(problems: readonly Problem[], { pageOf }: CliDeps): string {
  if (pageOf === undefined) return '';
  const codes = new Set(problems.map(({ code }) => code).filter((code) => code !== SETTINGS_CODE));
  return [...codes]
    .sort()
    .map((code) => `${code} is explained in ${pageOf(code)}\n`)
    .join('');
}

const nothing: ValidateResult = { problems: [], objects: 0, files: 0 };

/** `file:line:column: error IST0106 VirtualService/default/myapp spec.http[0]: message`, as editors jump to. */
function formatProblem(problem: Problem, paint: (severity: Problem['severity']) => string): string {
  const { position, object, field } = problem;
  const where = position === undefined ? '' : `${formatPosition(position)}: `;
  const what = [
    ...(object === undefined ? [] : [`${object.kind}/${object.namespace}/${object.name}`]),
    ...(field === undefined || field === '' ? [] : [field]),
  ];
  const message = problem.message.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
  return `${where}${[paint(problem.severity), problem.code, ...what].join(' ')}: ${message}`;
}

/** Colours only for people: never into a pipe, and not with NO_COLOR (https://no-color.org). */
function paint(io: CliIo): (severity: Problem['severity']) => string {
  if (!io.isTerminal || io.env['NO_COLOR']) return (severity) => severity;
  const colors = { error: 31, warning: 33, info: 36 } as const;
  return (severity) => `\x1b[${colors[severity]}m${severity}\x1b[0m`;
}

/** A settings file has some of its keys at its top, and nothing of what objects must have: apiVersion, kind, metadata. */
function isSettingsFile(file: string, { isSettingsKey = () => true }: CliDeps): boolean {
  if (!/\.ya?ml$/i.test(file) || statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return false;
  const text = readFileSync(file, 'utf8');
  const topKeys = [...text.matchAll(/^["']?([A-Za-z][\w-]*)["']?\s*:/gm)].map(([, key]) => key);
  if (topKeys.length === 0) return path.basename(file) === 'gateway.yaml';
  if (path.basename(file) !== 'gateway.yaml' && !topKeys.some((key) => isSettingsKey(key ?? ''))) return false;
  return !/^[{[]/.test(text) && !topKeys.some((key) => /^(apiVersion|kind|metadata|spec|items)$/.test(key ?? ''));
}

function settingsProblems(file: string, deps: CliDeps, io: CliIo): Problem[] {
  const text = readFileSync(path.resolve(io.cwd, file), 'utf8');
  return deps.validateSettings(text, file).map(({ field, message, file: where, line, column }) => ({
    severity: 'error',
    code: SETTINGS_CODE,
    message,
    ...(field === '' ? {} : { field }),
    position: { file: where, line, column },
  }));
}
