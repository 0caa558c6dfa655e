/** The peer `@fastify/http-proxy`, a program of its own. Usage: node fastify-proxy.ts PORT UPSTREAM [LOG FILE] */
import proxy from '@fastify/http-proxy';
import fastify from 'fastify';

const [port, upstream, logFile] = process.argv.slice(2);
if (upstream === undefined) throw new Error('usage: fastify-proxy.ts PORT UPSTREAM [LOG FILE]');
const app = fastify({ logger: logFile ? { file: logFile } : false });
await app.register(proxy, { upstream, undici: { connections: 64, pipelining: 1 } });
await app.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
