import { httpAdapter, sseAdapter, wsAdapter } from '../venues'

/** The adapter of the examples, over each transport. */
export const makeAcme = () => wsAdapter()
export const makeAcmeHttp = () => httpAdapter()
export const makeAcmeSse = () => sseAdapter()
