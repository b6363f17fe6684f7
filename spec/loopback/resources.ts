/** How many sockets, pending connects, lookups or timers this process holds: `resources('TCPSocketWrap')`. */
export function resources(...types: string[]): number {
  return process.getActiveResourcesInfo().filter(type => types.includes(type)).length;
}

/** All that a dial may leave behind on its socket. */
export function socketResources(): number {
  return resources('TCPSocketWrap', 'TCPConnectWrap', 'TLSWrap', 'PipeWrap', 'PipeConnectWrap');
}
