import 'reflect-metadata';
import { Agent } from 'node:http';
import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import { checkText, headers } from './common.mjs';

function instance({ connections = 50 }) {
  return axios.create({
    httpAgent: new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections }),
    headers,
    responseType: 'text',
    // No more than the others do: the text as it is, no redirect, no decompression.
    transformResponse: text => text,
    maxRedirects: 0,
    decompress: false,
  });
}

export function get({ origin, path = '/json', ...options }) {
  const client = instance(options);
  const url = origin + path;
  return { start: done => client.get(url).then(({ data }) => checkText(data, done), done) };
}

/** The HttpService of NestJS: the other client whose responses are Observables. */
export function nest({ origin, path = '/json', ...options }) {
  const service = new HttpService(instance(options));
  const url = origin + path;
  const start = done => {
    let text;
    service.get(url).subscribe({
      next: ({ data }) => (text = data),
      error: done,
      complete: () => checkText(text, done),
    });
  };
  return { start };
}
