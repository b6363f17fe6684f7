import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { of } from 'rxjs';
import { InvalidOptionError, throwIfNotOk, toFile, type SavedFile, type ToFileOptions } from '../../src/index.js';
import { until } from '../loopback/index.js';
import { answer, openAgent, openConnection, record, type Recorded } from '../support/index.js';
import { readWith } from './support.js';

describe('toFile', () => {
  let directory: string;
  let path: string;

  beforeEach(async () => {
    directory = await fs.mkdtemp(join(tmpdir(), 'toFile-'));
    path = join(directory, 'file.bin');
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await fs.rm(directory, { recursive: true });
  });

  const files = (): Promise<string[]> => fs.readdir(directory);
  const contentOf = (name = path): Promise<string> => fs.readFile(name, 'latin1');
  const over = (seen: Recorded<unknown>): Promise<void> => until(() => seen.terminals > 0, 'an outcome');

  /** A response that is there from the first byte to the last. */
  function save(body: string, options?: ToFileOptions): Recorded<SavedFile> {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(answer(body));
    return record(of(values[0]).pipe(toFile(path, options)));
  }

  it.each(['hello', '', 'x'.repeat(1_000)])('writes a body that came with its head: %j', async body => {
    const seen = save(body);
    await over(seen);
    expect(seen).toMatchObject({ values: [{ path, bytes: body.length }], completed: true });
    expect([await contentOf(), await files()]).toEqual([body, ['file.bin']]);
  });

  it('writes a body as it comes, and gives the file its name at the end', async () => {
    const { seen, body, end, transport } = readWith(toFile(path));
    for (const piece of ['a', 'b', 'c']) {
      body(piece);
      await until(() => !transport.paused, 'the write');
    }
    const [part] = await files();
    expect(part).toMatch(/^\.file\.bin\..+\.part$/);
    expect(seen.outcome).toBe('nothing');
    end();
    await over(seen);
    expect([seen.values, await contentOf(), await files()]).toEqual([[{ path, bytes: 3 }], 'abc', ['file.bin']]);
  });

  it('holds the connection while the disk works', async () => {
    const handles = slowDisk();
    const { seen, body, end, transport } = readWith(toFile(path));
    body('first');
    await until(() => handles.writes.length === 1, 'the write');
    expect(transport.paused).toBe(true);
    body('second');
    body('third');
    expect(transport.delivered).toBeLessThan(200);
    const held = transport.delivered;
    handles.writes[0].go();
    await until(() => handles.writes.length === 2, 'the next write');
    expect(transport.delivered).toBeGreaterThan(held);
    expect(handles.writes[1].bytes).toBe('second');
    handles.writes[1].go();
    await until(() => handles.writes.length === 3, 'the next write');
    handles.writes[2].go();
    end();
    await over(seen);
    expect(await contentOf()).toBe('firstsecondthird');
  });

  it('writes the rest of what the disk took only a part of', async () => {
    const open = fs.open;
    jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
      const handle = await open(...args);
      const write = handle.write.bind(handle) as (bytes: Uint8Array, at: number, length: number) => Promise<object>;
      handle.write = ((bytes: Uint8Array, at: number) => write(bytes, at, 1)) as unknown as typeof handle.write;
      return handle;
    });
    const seen = save('hello');
    await over(seen);
    expect([seen.values, await contentOf()]).toEqual([[{ path, bytes: 5 }], 'hello']);
  });

  it('replaces a file that is there, as a whole and not before the end', async () => {
    await fs.writeFile(path, 'old, and longer');
    const { seen, body, end, transport } = readWith(toFile(path));
    body('new');
    await until(() => !transport.paused, 'the write');
    expect(await contentOf()).toBe('old, and longer');
    end();
    await over(seen);
    expect([await contentOf(), await files()]).toEqual(['new', ['file.bin']]);
  });

  it('replaces a link, and leaves alone what it points to', async () => {
    const target = join(directory, 'target');
    await fs.writeFile(target, 'old');
    await fs.symlink(target, path);
    await over(save('new'));
    expect([await contentOf(), await contentOf(target)]).toEqual(['new', 'old']);
  });

  it('lets two at a time each write a whole file, and the last one win', async () => {
    const [first, second] = [readWith(toFile(path)), readWith(toFile(path))];
    first.body('first');
    second.body('second');
    await until(() => !first.transport.paused && !second.transport.paused, 'the writes');
    second.end();
    await over(second.seen);
    expect(await contentOf()).toBe('second');
    first.end();
    await over(first.seen);
    expect([await contentOf(), await files()]).toEqual(['first', ['file.bin']]);
  });

  it('with wx makes a new file, and leaves one that is there alone', async () => {
    const made = save('new', { flag: 'wx' });
    await over(made);
    expect([made.completed, await contentOf()]).toEqual([true, 'new']);
    const refused = save('newer', { flag: 'wx' });
    await over(refused);
    expect(refused.error).toMatchObject({ code: 'EEXIST' });
    expect([await contentOf(), await files()]).toEqual(['new', ['file.bin']]);
  });

  it('gives the file its mode, less the umask', async () => {
    await over(save('x', { mode: 0o600 }));
    expect((await fs.stat(path)).mode & 0o777).toBe(0o600);
    await over(save('x'));
    expect((await fs.stat(path)).mode & 0o777).toBe(0o666 & ~process.umask());
  });

  it('has the bytes on the disk before the file has its name, if flush is asked for', async () => {
    const log: string[] = [];
    const { open, rename } = fs;
    jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
      const handle = await open(...args);
      const sync = handle.sync.bind(handle);
      handle.sync = () => (log.push('sync'), sync());
      return handle;
    });
    jest.spyOn(fs, 'rename').mockImplementation((...args) => (log.push('rename'), rename(...args)));
    await over(save('x', { flush: true }));
    await over(save('x'));
    expect(log).toEqual(['sync', 'rename', 'rename']);
  });

  it('takes a name of the greatest length', async () => {
    path = join(directory, 'ä'.repeat(127));
    const seen = save('x');
    await over(seen);
    expect([seen.error, seen.values]).toEqual([undefined, [{ path, bytes: 1 }]]);
  });

  describe('fails', () => {
    it('with ENOENT for a directory that is missing, and lets the connection go first', async () => {
      const missing = join(directory, 'missing', 'file');
      const { seen, body, log, transport } = readWith(toFile(missing));
      body('x');
      await over(seen);
      expect(seen.error).toMatchObject({ code: 'ENOENT' });
      expect(transport.destroyed).toBe(true);
      expect(log.indexOf('disconnected:AbortedError')).toBeLessThan(log.indexOf('seen:error'));
      expect(await files()).toEqual([]);
    });

    it('if the path is a directory, and leaves that alone', async () => {
      await fs.mkdir(path);
      const seen = save('x');
      await over(seen);
      expect(seen.error).toMatchObject({ syscall: 'rename' });
      expect(await files()).toEqual(['file.bin']);
    });

    it.each(['write', 'sync', 'close'] as const)('if the disk is full at %s, and leaves nothing', async at => {
      await fs.writeFile(path, 'old');
      const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      const open = fs.open;
      jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
        const handle = await open(...args);
        const close = handle.close.bind(handle);
        const fail = async (): Promise<never> => {
          if (at === 'close') await close();
          throw full;
        };
        Object.assign(handle, { [at]: fail });
        return handle;
      });
      const { seen, body, end, transport } = readWith(toFile(path, { flush: true }));
      body('x');
      if (at !== 'write') end();
      await over(seen);
      expect([seen.error, seen.terminals, seen.values]).toEqual([full, 1, []]);
      expect(transport.destroyed).toBe(at === 'write');
      expect([await contentOf(), await files()]).toEqual(['old', ['file.bin']]);
    });

    it('with the error of the body, and leaves nothing', async () => {
      await fs.writeFile(path, 'old');
      const { agent, transports } = openAgent();
      const seen = record(agent.get('http://example.test/').pipe(toFile(path)));
      transports[0].respond(answer('hello').slice(0, -1));
      await until(() => !transports[0].paused, 'the write');
      transports[0].fin();
      await over(seen);
      expect(seen.error).toMatchObject({ code: 'ERR_TRUNCATED_BODY', request: { method: 'GET' } });
      expect([await contentOf(), await files()]).toEqual(['old', ['file.bin']]);
    });

    it('with the error of the response, and touches nothing', async () => {
      const { seen } = readWith(source$ => source$.pipe(throwIfNotOk(), toFile(path)), { status: '404 Not Found' });
      expect(seen.outcome).toBe('HTTPStatusError');
      expect(await files()).toEqual([]);
    });
  });

  describe('that is unsubscribed from', () => {
    it('before the first byte touches nothing, and lets the connection go', async () => {
      const { seen, transport } = readWith(toFile(path));
      seen.subscription.unsubscribe();
      expect(transport.destroyed).toBe(true);
      expect(await files()).toEqual([]);
    });

    it('between two chunks removes the part', async () => {
      const { seen, body, transport } = readWith(toFile(path));
      body('x');
      await until(() => !transport.paused, 'the write');
      expect(await files()).toHaveLength(1);
      seen.subscription.unsubscribe();
      expect(transport.destroyed).toBe(true);
      await gone();
      expect(seen.terminals).toBe(0);
    });

    it.each(['while it opens', 'while it writes'])('%s removes the part when that is done', async when => {
      const handles = slowDisk(when === 'while it opens' ? 'open' : 'write');
      const { seen, body, transport } = readWith(toFile(path));
      body('x');
      await until(() => (when === 'while it opens' ? handles.opens : handles.writes).length === 1, 'the work');
      seen.subscription.unsubscribe();
      expect(transport.destroyed).toBe(true);
      for (const work of [...handles.opens, ...handles.writes]) work.go();
      await until(() => handles.writes.length === 1, 'the write');
      handles.writes[0].go();
      await until(() => handles.closed === 1, 'the end');
      await gone();
    });

    it('before the file gets its name leaves the old one', async () => {
      await fs.writeFile(path, 'old');
      const disk = slowDisk('close');
      const { seen, body, end } = readWith(toFile(path));
      body('new');
      await until(() => disk.writes.length === 1, 'the write');
      end();
      disk.writes[0].go();
      await until(() => disk.closing.length === 1, 'the close');
      seen.subscription.unsubscribe();
      disk.closing[0].go();
      await untilSettled();
      expect([await contentOf(), await files()]).toEqual(['old', ['file.bin']]);
    });

    it('while the file gets its name leaves the old file or the new one', async () => {
      await fs.writeFile(path, 'old');
      const seen = save('new');
      seen.subscription.unsubscribe();
      await untilSettled();
      expect(['old', 'new']).toContain(await contentOf());
      expect(await files()).toEqual(['file.bin']);
    });

    const gone = async (): Promise<void> => {
      while ((await files()).length > 0);
    };
    /** No part is there, and none comes: it may not be made yet. */
    const untilSettled = async (): Promise<void> => {
      for (let calm = 0; calm < 20;) calm = (await files()).some(name => name.endsWith('.part')) ? 0 : calm + 1;
    };
  });

  it.each<[string, () => unknown]>([
    ['path', () => toFile('')],
    ['path', () => toFile(5 as unknown as string)],
    ['flag', () => toFile('x', { flag: 'a' as 'w' })],
    ['mode', () => toFile('x', { mode: -1 })],
    ['mode', () => toFile('x', { mode: '600' as unknown as number })],
    ['flush', () => toFile('x', { flush: 'yes' as unknown as boolean })],
  ])('refuses a %s that is none', (option, make) => {
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(new RegExp(`^${option} must be`));
  });

  interface Work {
    readonly bytes: string;
    go(): void;
  }

  /** A disk whose writes, and the opening or closing if that is asked for, go on only when they are told to. */
  function slowDisk(what: 'open' | 'write' | 'close' = 'write') {
    const disk = { writes: [] as Work[], opens: [] as Work[], closing: [] as Work[], closed: 0 };
    const open = fs.open;
    jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
      if (what === 'open') await new Promise<void>(go => disk.opens.push({ bytes: '', go }));
      const handle = await open(...args);
      const write = handle.write.bind(handle) as (bytes: Uint8Array, at: number) => Promise<object>;
      const close = handle.close.bind(handle);
      handle.write = (async (bytes: Uint8Array, at: number) => {
        await new Promise<void>(go => disk.writes.push({ bytes: Buffer.from(bytes).toString(), go }));
        return write(bytes, at);
      }) as unknown as typeof handle.write;
      handle.close = async () => {
        if (what === 'close') await new Promise<void>(go => disk.closing.push({ bytes: '', go }));
        await close();
        disk.closed++;
      };
      return handle;
    });
    return disk;
  }
});
