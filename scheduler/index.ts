// The public door of the scheduler.

export * from './process.ts';
