import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** CPU time of a process and all its descendants. */
export type CpuTime = { readonly totalNs: number; readonly userTicks: number; readonly systemTicks: number };
export type Memory = { readonly rssMb: number; readonly pssMb: number; readonly processes: number };

/** Proxies have core 0 for themselves; what makes load or answers it shares core 1. */
export const proxyCore = '0';
export const loadCore = '1';

const running = new Set<ChildProcess>();

/** Starts a long-running program on one core, in a process group of its own; its output goes to `outputFile`. */
export function startPinned(
  core: string,
  command: readonly string[],
  outputFile: string,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const output = openSync(outputFile, 'a');
  const child = spawn('taskset', ['-c', core, ...command], {
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...env },
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Starts a program of ours on one core, to talk with over IPC; what it prints is seen. */
export function startWithChannel(core: string, command: readonly string[]): ChildProcess {
  const child = spawn('taskset', ['-c', core, ...command], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** An orderly end, and a hard one for the whole group when that takes too long. */
export async function stopTree(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => killGroup(child), 5_000);
  await ended;
  clearTimeout(late);
}

/**
 * What stands for another machine must not wait for those that are measured, or take time from them. Linux shares a core
 * among sessions first, and niceness counts within one alone (sched(7), autogroup): this is the niceness of a whole
 * session, by one of its processes. False where the system has no such groups, or allows no precedence.
 */
export function setSessionNiceness(pid: number, niceness: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(niceness));
    return true;
  } catch {
    return false;
  }
}

/** For the way out: everything that `startPinned` started and that still runs. */
export function killAll(): void {
  for (const child of running) killGroup(child);
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // it is gone
  }
}

/** Nanoseconds from the scheduler; the 10 ms ticks of /proc/PID/stat only tell user from system. */
export function cpuTime(root: number): CpuTime {
  return cpuOf(tree(root));
}

/** The same, of these processes alone. */
export function cpuOf(pids: readonly number[]): CpuTime {
  let totalNs = 0;
  let userTicks = 0;
  let systemTicks = 0;
  for (const pid of pids) {
    for (const thread of names(`/proc/${pid}/task`)) {
      totalNs += Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0);
    }
    // the name in parentheses may hold blanks: count from the closing one
    const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
    userTicks += Number(fields[11] ?? 0);
    systemTicks += Number(fields[12] ?? 0);
  }
  return { totalNs, userTicks, systemTicks };
}

export function memory(root: number): Memory {
  let rss = 0;
  let pss = 0;
  const pids = tree(root);
  for (const pid of pids) {
    const text = read(`/proc/${pid}/smaps_rollup`);
    rss += Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
    pss += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  }
  return { rssMb: rss / 1024, pssMb: pss / 1024, processes: pids.length };
}

/** The processes of mesh-gateway below its supervisor, by what they call themselves. */
export function rolesOf(root: number): { readonly control: readonly number[]; readonly workers: readonly number[] } {
  const titled = (title: string): number[] =>
    tree(root).filter((pid) => read(`/proc/${pid}/cmdline`).startsWith(`mesh-gateway: ${title}`));
  return { control: titled('control'), workers: titled('worker') };
}

/** For so long, in ms over all cores, another guest had what should have been this machine's (steal of /proc/stat). */
export function stolenMs(): number {
  // in ticks of 10 ms: user nice system idle iowait irq softirq steal
  return Number(read('/proc/stat').split('\n')[0]?.trim().split(/\s+/)[8] ?? 0) * 10;
}

/** Resident memory of one process, in MB. */
export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

/** The most it ever was. */
export function peakResidentMb(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

function tree(root: number): number[] {
  const found = [root];
  for (let index = 0; index < found.length; index++) {
    for (const thread of names(`/proc/${found[index]}/task`)) {
      const children = read(`/proc/${found[index]}/task/${thread}/children`).trim();
      if (children !== '') found.push(...children.split(' ').map(Number));
    }
  }
  return found;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
