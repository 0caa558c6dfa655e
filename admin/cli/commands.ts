import { Command, Option } from 'commander';
import type { CliDeps, CliIo } from './deps.ts';
import { describe } from './describe.ts';
import { get } from './get.ts';
import { outputFormats } from './output.ts';
import { type ShiftOptions, shift } from './shift.ts';
import { type TrafficOptions, traffic } from './traffic.ts';
import { type ValidateFlags, validate } from './validate.ts';

const EXAMPLES = `
Examples:
  mesh-gateway demo                             everything on this machine: the example, two pages, TLS
  mesh-gateway validate routes.d/               are my objects right? (offline; exit 1 on errors)
  mesh-gateway get routes                       what is served now, host by host
  mesh-gateway describe vs myapp                what became of one object, and why
  mesh-gateway shift myapp v1=90 v2=10          90 % to v1, 10 % to v2; returns when all workers serve it
  mesh-gateway shift shop/cart v1=0 v2=100 --route checkout --reason "release 42"
  mesh-gateway get problems -o json | jq -r '.items[].message'

The gateway is found by --admin, MESH_GATEWAY_ADMIN, the folder .demo/ here or above, /run/mesh-gateway/admin.sock.
Results go to stdout, messages to stderr. NO_COLOR is respected.
Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 no running gateway or cluster reached.`;

const VALIDATE_HELP = `
Without a cluster, what is absent from the files may be elsewhere, so it is a warning. With --against, nothing is written to the cluster;
told are problems of the given objects, and those that other objects would have because of them.

Examples:
  mesh-gateway validate routes.d/ gateway.yaml
  kustomize build . | mesh-gateway validate - --against
  mesh-gateway validate canary.yaml --against --kubeconfig ~/.kube/prod --settings gateway.yaml`;

const GET_HELP = `
RESOURCE is one of listeners, routes, clusters, endpoints, certificates, problems, workers, kinds, nodes, status. For one object see describe.
Shown is what the workers serve, which may be behind what the files say while a problem is open.`;

const DESCRIBE_HELP = `
KIND is a kind, its plural or its short name, as kubectl has them: virtualservice (vs), gateway (gw), destinationrule (dr), serviceentry (se),
workloadentry (we), service (svc), secret, and the others that are read. Of a Secret only the public part of its certificate is shown.

Examples:
  mesh-gateway describe vs myapp
  mesh-gateway describe svc/reviews -n bookinfo
  mesh-gateway describe gateway shop/edge -o json`;

const SHIFT_HELP = `
The weights are the whole vector: every destination of the rule gets one. Keys are subsets (v1), host/subset[:port]
where two destinations share a subset name, or the host where there is no subset; \`mesh-gateway traffic NAME\` lists them.
Only the weights change in the VirtualService, in its file or in its cluster. A destination that has no ready endpoint gets no weight: then
nothing is written. The command returns when every worker serves the new weights; otherwise it fails and says why.

Examples:
  mesh-gateway shift myapp v1=90 v2=10
  mesh-gateway shift bookinfo/reviews v1=0 v2=100 --route everyone
  mesh-gateway shift myapp v1=50 v2=50 --if-match 5f2a90c1     only if nobody changed it since`;

/** All commands. `finish` receives the exit code of those that end with one. */
export function createProgram(deps: CliDeps, io: CliIo, finish: (code: number) => void): Command {
  const program = new Command('mesh-gateway')
    .description('Edge gateway for bare-metal nodes: serves Istio objects (Gateway, VirtualService, DestinationRule).')
    .version(`mesh-gateway ${deps.version}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', EXAMPLES)
    .configureOutput({ writeOut: io.out, writeErr: io.err, getOutHasColors: () => false, getErrHasColors: () => false })
    .exitOverride();

  program
    .command('run')
    .summary('run the appliance (what the service does)')
    .description(
      'Runs the appliance in the foreground until SIGTERM or SIGINT; SIGHUP reloads, SIGUSR1 reopens the access log.',
    )
    .option('-s, --settings <file>', 'settings file (default: /etc/mesh-gateway/gateway.yaml, if there is one)')
    .action(async (options: { settings?: string }) => finish((await deps.run(options)) ?? 0));

  program
    .command('demo')
    .summary('run the example with two pages on this machine')
    .description(
      'Runs the gateway with an example, two tiny backends and a local certificate; all it makes is in .demo/. Ends with Ctrl-C.',
    )
    .option('--fresh', 'throw away the .demo/ of earlier runs', false)
    .action(async (options: { fresh: boolean }) => finish((await deps.demo(options)) ?? 0));

  program
    .command('validate')
    .summary('check objects and settings, offline or against a cluster')
    .description(
      'Checks folders and files of objects, and settings files, without a running gateway. Exit 0, or 1 when there are errors.',
    )
    .argument('<path...>', 'files or folders; - is standard input')
    .addOption(
      new Option('-o, --output <format>', 'form of the result').choices(['text', 'json', 'yaml']).default('text'),
    )
    .option('-n, --namespace <name>', "of objects that name none (default: default; with --against, the context's)")
    .option('--settings <file>', 'settings of the gateway that the objects are for (its namespace, labels and ports)')
    .option('--against', 'lay the objects over those of a cluster, and tell what they would change', false)
    .option('--kubeconfig <file>', 'of the cluster (default: KUBECONFIG, or ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig (default: its current one)')
    .addHelpText('after', VALIDATE_HELP)
    .action(async (paths: string[], options: ValidateFlags) => finish(await validate(paths, options, deps, io)));

  const getCommand = program
    .command('get')
    .summary('show what the running gateway serves')
    .description('Shows one list of the running gateway.')
    .argument('<resource>', 'what to show')
    .addHelpText('after', GET_HELP)
    .action((resource: string, options: TrafficOptions) => get(resource, options, io));

  const describeCommand = program
    .command('describe')
    .summary('show what became of one object')
    .description(
      'Shows where an object comes from, whether it is served as written, its problems, what it became, and who refers to it.',
    )
    .argument('<object...>', 'KIND NAME, KIND/NAME or KIND NAMESPACE/NAME')
    .option('-n, --namespace <name>', 'namespace of the object (default: default)')
    .addHelpText('after', DESCRIBE_HELP)
    .action((words: string[], options: TrafficOptions) => describe(words, options, deps, io));

  const trafficCommand = program
    .command('traffic')
    .summary('show how a VirtualService splits its traffic')
    .description('Shows the rules of a VirtualService with the keys and weights that `shift` takes.')
    .argument('<virtualservice>', 'NAME or NAMESPACE/NAME')
    .option('-n, --namespace <name>', 'namespace of the VirtualService (default: default)')
    .action((name: string, options: TrafficOptions) => traffic(name, options, io));

  const shiftCommand = program
    .command('shift')
    .summary('move traffic between versions')
    .description('Sets the weights of a VirtualService rule: SUBSET=WEIGHT for every destination.')
    .argument('<virtualservice>', 'NAME or NAMESPACE/NAME')
    .argument('<weights...>', 'SUBSET=WEIGHT')
    .option('-n, --namespace <name>', 'namespace of the VirtualService (default: default)')
    .option('--route <rule>', 'name or index of the rule, where several split traffic')
    .option('--reason <text>', 'why, for the log')
    .option('--if-match <tag>', 'shift only if the object still has this entity tag')
    .addHelpText('after', SHIFT_HELP)
    .action((name: string, weights: string[], options: ShiftOptions) => shift(name, weights, options, io));

  program
    .command('version')
    .summary('print the version')
    .action(() => io.out(`mesh-gateway ${deps.version}\n`));

  for (const command of [getCommand, describeCommand, trafficCommand, shiftCommand]) addAdminOptions(command);
  return program;
}

function addAdminOptions(command: Command): void {
  command
    .addOption(new Option('-o, --output <format>', 'form of the result').choices(outputFormats).default('table'))
    .option('--admin <where>', 'admin socket or URL of the gateway')
    .option('--token-file <file>', 'token for a URL (or MESH_GATEWAY_TOKEN_FILE)')
    .option('--ca-file <file>', 'CA to trust for an https URL');
}
