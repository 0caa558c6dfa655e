import { readdirSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/**
 * Lets other processes go first: raises the niceness of every thread of this process by `steps`, also of those that
 * collect garbage, and of all that it starts later. Gives the reason when the system does not allow it.
 */
export function goBehindOthers(steps: number): string | undefined {
  try {
    const niceness = Math.min(constants.priority.PRIORITY_LOW, getPriority() + steps);
    // On Linux niceness belongs to a thread, and the entries here are the numbers of threads.
    for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), niceness);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
