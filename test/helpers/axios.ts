import { type AxiosStatic } from 'axios'

/** The copy of axios that the requester loads: `import` would get another one, and what is mocked there is not seen. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- that is the point
export const axios = (require('axios') as { default: AxiosStatic }).default
