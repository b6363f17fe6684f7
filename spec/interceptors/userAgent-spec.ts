import { describe, expect, it } from '@jest/globals';
import { userAgent } from '../../src/interceptors/index.js';
import { answer } from '../support/index.js';
import { site } from './site.js';

describe('userAgent', () => {
  it('says who asks, unless the request does', async () => {
    const { agent, asked, run } = site(() => answer());
    const client = agent.extend({ interceptors: [userAgent('crawler/1.0 (+https://example.test)')] });
    await run(client.get('http://a.test/'));
    await run(client.get('http://a.test/', { headers: { 'USER-AGENT': 'mine' } }));
    expect(asked.map(({ headers }) => headers['user-agent'])).toEqual(['crawler/1.0 (+https://example.test)', 'mine']);
  });

  it.each(['', 'a\r\nb: c', '€', undefined, 1])('refuses %p', text => {
    expect(() => userAgent(text as string)).toThrow(expect.objectContaining({ option: 'text' }));
  });
});
