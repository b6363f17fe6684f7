import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { unix } from '../../src/endpoint/index.js';
import { InvalidOptionError } from '../../src/errors/index.js';
import { failure, RecordingSink } from '../loopback/index.js';

describe('unix', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unix-spec-'));
  const path = join(folder, 'socket');
  let server: Server;

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true }, socket => socket.on('data', bytes => socket.end(bytes)));
    server.listen(path);
    await once(server, 'listening');
  });

  afterEach(async () => {
    server.close();
    await once(server, 'close');
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('dials the path, as localhost', async () => {
    const transport = await firstValueFrom(unix(path));
    expect(transport.info).toMatchObject({ authority: 'localhost', secure: false });
    const sink = RecordingSink.reading(transport);
    transport.write('hello');
    await sink.ended();
    expect(sink.text).toBe('hello');
    transport.end();
    await sink.closing();
  });

  it('fails when nobody listens there', async () => {
    const error = await failure(unix(join(folder, 'nothing')));
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
    expect(error.message).toContain(join(folder, 'nothing'));
  });

  it.each(['', 'a\0b', undefined])('refuses the path %j', bad => {
    expect(() => unix(bad as string)).toThrow(InvalidOptionError);
  });

  it('refuses a bad connectTimeout', () => {
    expect(() => unix(path, { connectTimeout: NaN })).toThrow('connectTimeout');
  });
});
