/**
 * `npm run bench`: what a request and a handshake cost, beside the proxies that people know.
 * It leaves nothing running and nothing on disk, and judges by CPU time, which noise moves less than requests per second.
 * Started by people; `--help` lists the options.
 */
import { cpus, release } from 'node:os';
import { measureCluster } from './cluster/cluster.ts';
import { reportCluster } from './cluster/report.ts';
import { compare } from './compare.ts';
import { measureNewcomers, reportNewcomers } from './newcomers.ts';
import { parseOptions } from './options.ts';
import { reportComparison } from './report.ts';
import { compareRoutes, reportRoutes } from './routes.ts';
import { openWorkshop } from './workshop.ts';

const options = parseOptions(process.argv.slice(2));
const say = (line: string): void => console.error(line);
if (cpus().length < 2) throw new Error('the benchmark needs two cores: one for the proxies, one for the load');
const machine = { cpu: cpus()[0]?.model.trim() ?? '', cores: cpus().length, kernel: release(), node: process.version };
const workshop = await openWorkshop();
try {
  const { result, table } = await chosen();
  const text = `${Object.values(machine).join(', ')}; ${options.rounds} rounds of ${options.seconds} s\n${table}`;
  if (options.json) console.log(JSON.stringify({ machine, options, ...result }, null, 2));
  if (options.json) say(text);
  else console.log(text);
} finally {
  workshop.close();
}

async function chosen() {
  if (options.newcomers) return newcomers();
  if (options.cluster) return cluster();
  return options.routes > 0 ? routes() : peers();
}

async function newcomers() {
  const result = await measureNewcomers(options, workshop, say);
  return { result, table: reportNewcomers(result) };
}

async function cluster() {
  const result = await measureCluster(workshop, say);
  return { result, table: reportCluster(result) };
}

async function routes() {
  const result = await compareRoutes(options, workshop, say);
  return { result, table: reportRoutes(result) };
}

async function peers() {
  const result = await compare(options, workshop, say);
  return { result, table: reportComparison(result) };
}
