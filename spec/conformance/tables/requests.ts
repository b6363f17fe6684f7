export type RequestRow = readonly [string];
export const requests: readonly RequestRow[] = [];
