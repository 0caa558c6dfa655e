import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { badRequest } from './api-status.ts';
import { readProtobufObject } from './protobuf-objects.ts';

/** Reads a request's body whole and parses it as its content type says; undefined when there is none. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const mediaType = mediaTypeOf(request);
  if (body.length > 0 && mediaType === 'application/vnd.kubernetes.protobuf') return readProtobufObject(body);
  const text = body.toString();
  if (text.trim() === '') return undefined;
  try {
    return mediaType.endsWith('yaml') ? parse(text) : JSON.parse(text);
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : ''}`);
  }
}

/** The content type without its parameters; JSON when the client names none. */
export function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
}
