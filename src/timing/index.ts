export { Deadline, DeadlineSweep } from './DeadlineSweep.js';
export { guarded, reportUnhandled } from './guarded.js';
export { LoopTurn, loopTurn } from './LoopTurn.js';
export { unrefScheduler } from './unrefScheduler.js';
