import type { Problem } from '../snapshot/problem.ts';
import type { Logger } from '../telemetry/log.ts';

/** Logs a Problem when it comes and when it goes, not each time the list is made. */
export class ProblemLog {
  readonly #log: Logger;
  #known = new Map<string, Problem>();

  constructor(log: Logger) {
    this.#log = log;
  }

  update(problems: readonly Problem[]): void {
    const now = new Map(
      problems.filter(({ severity }) => severity !== 'info').map((problem) => [idOf(problem), problem]),
    );
    for (const [id, problem] of now)
      if (!this.#known.has(id))
        this.#log[problem.severity === 'error' ? 'error' : 'warn'](fieldsOf(problem), problem.message);
    for (const [id, problem] of this.#known) if (!now.has(id)) this.#log.info(fieldsOf(problem), 'problem solved');
    this.#known = now;
  }
}

function fieldsOf({ code, object, field, position }: Problem): object {
  return {
    code,
    ...(object && { object: `${object.kind} ${object.namespace}/${object.name}` }),
    ...(field !== undefined && { field }),
    ...(position && { position: `${position.file}:${position.line}:${position.column}` }),
  };
}

function idOf(problem: Problem): string {
  return JSON.stringify([problem.code, problem.object, problem.field, problem.position?.file, problem.message]);
}
