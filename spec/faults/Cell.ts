import type { FaultName } from './faults.js';

/** The steps of an exchange as the server goes through them: where a fault can strike. */
export const phases = [
  'before accept',
  'at accept',
  'before the request is read',
  'in the request head',
  'in the request body',
  'after the request',
  'in the status line',
  'in the response head',
  'after the head',
  'mid body',
  'before the last chunk',
  'after the end',
  'while idle',
] as const;

/** GET and HEAD without a body; POST with a stream that can be read once; PUT with a body that can be made again. */
export const methods = ['GET', 'HEAD', 'POST', 'PUT'] as const;

/** The connection that the fault strikes is new, or has carried a request before. */
export const leases = ['fresh', 'reused'] as const;

/** What the caller does with the response's body. */
export const reads = ['text', 'pull', 'unread', 'discarded'] as const;

/** How the end of the response's body is told. */
export const framings = ['length', 'chunked', 'close'] as const;

export type Phase = (typeof phases)[number];
export type Framing = (typeof framings)[number];

/** One experiment: what goes wrong, where, in which kind of exchange. */
export interface Cell {
  readonly fault: FaultName;
  readonly phase: Phase;
  readonly method: (typeof methods)[number];
  readonly lease: (typeof leases)[number];
  readonly read: (typeof reads)[number];
  readonly framing: Framing;
}

export function isBefore(phase: Phase, other: Phase): boolean {
  return phases.indexOf(phase) < phases.indexOf(other);
}

export function uploads({ method }: Cell): boolean {
  return method === 'POST' || method === 'PUT';
}

export function nameOf({ fault, phase, method, lease, read, framing }: Cell): string {
  return `${fault}, ${phase}: ${method}, ${lease}, ${read}, ${framing}`;
}
