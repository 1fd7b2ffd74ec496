/** The machine's monotonic clock in ms, the same in all of its processes. */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6
