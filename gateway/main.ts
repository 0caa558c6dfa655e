/**
 * The one entry of the program: the supervisor starts it again as control and as worker (MESH_GATEWAY_ROLE),
 * people start it as the command line. Each role loads only its own code.
 */
const role = process.env['MESH_GATEWAY_ROLE'];

if (role === 'worker') (await import('./roles/worker.ts')).runWorker();
else if (role === 'control') (await import('./roles/control.ts')).runControl();
else process.exitCode = await (await import('./roles/command-line.ts')).runCommandLine(process.argv.slice(2));
