import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { ApiStatus, badRequest } from './api-status.ts';
import { readProtobufObject } from './protobuf-objects.ts';

const MAX_BYTES = 3 * 1024 * 1024;

/** Reads a request's body whole and parses it as its content type says; undefined when there is none. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes <= MAX_BYTES) chunks.push(chunk as Buffer);
  }
  if (bytes > MAX_BYTES)
    throw new ApiStatus(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BYTES}`);
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
