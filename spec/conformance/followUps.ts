import { turns } from '../loopback/until.js';
import { ownLength } from './atParser.js';
import { ok, plain, type Row } from './Case.js';
import { expectSame } from './judge.js';
import type { Library } from './library.js';
import { readerNames, type ReaderName } from './readers.js';
import { Trial } from './Trial.js';

/** What may come behind a response that is complete: bytes, or an end. */
const followers = {
  'a line end': '\r\n',
  'one byte': 'X',
  NUL: '\0',
  'a forged response': ok('Content-Length: 6\r\n', 'forged'),
  'the beginning of one': 'HTTP/1.1 2',
  'a 100': `HTTP/1.1 100 Continue\r\n\r\n${plain}`,
  'a 408': 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n',
} as const;
const ends = { FIN: ['FIN'], RST: ['RST'], 'FIN, then RST': ['FIN', 'RST'] } as const;

/** When: in the segment that completes the response, in the next one, or after so many turns of the event loop. */
const times = ['same segment', 'next segment', 1, 3] as const;

/**
 * A complete response stays what it is, whatever follows it and whenever: all that changes is that its connection is not
 * used again.
 */
export async function judgeFollowUps(library: Library, row: Row, thorough: boolean): Promise<void> {
  const [, , sent, , scene = {}] = row;
  const whole = Buffer.from(sent, 'latin1');
  const response = whole.subarray(0, ownLength(library, whole, scene));
  const undisturbed = new Trial(library, scene);
  undisturbed.send(response);
  await turns();
  const expected = { ...undisturbed.verdict(), connection: 'closed' as const };

  const trials: { readonly where: string; readonly trial: Trial }[] = [];
  const after: (readonly [turn: number, act: () => void])[] = [];
  const follow = (name: string, reader: ReaderName, time: (typeof times)[number]): void => {
    const bytes = Buffer.from(name in followers ? followers[name as keyof typeof followers] : '', 'latin1');
    const trial = new Trial(library, scene, reader);
    const act = (): void => {
      if (time !== 'same segment') trial.send(bytes);
      for (const end of ends[name as keyof typeof ends] ?? []) trial.end(end);
    };
    trial.send(time === 'same segment' ? Buffer.concat([response, bytes]) : response);
    if (typeof time === 'string') act();
    else after.push([time, act]);
    trials.push({ where: `${reader}, ${name}, ${time}`, trial });
  };
  const names = [...Object.keys(followers), ...Object.keys(ends)];
  for (const reader of thorough ? readerNames : (['body'] as const)) {
    for (const time of thorough ? times : (['same segment', 'next segment'] as const)) {
      for (const name of thorough ? names : ['a line end', 'a forged response', 'FIN', 'RST'])
        follow(name, reader, time);
    }
  }
  for (let turn = 1; turn <= 3; turn++) {
    await turns(1);
    for (const [due, act] of after) if (due === turn) act();
  }
  await turns();
  for (const { trial } of trials) trial.settle();
  await turns();
  for (const { where, trial } of trials) expectSame(trial.verdict(thorough), trial.sees(expected), where);
}
