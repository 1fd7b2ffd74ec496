import { TransferError } from '../errors'

/** Before it, a bad row ended the server process, and the tables of the admin panel were not protected (spec 15). */
const FIRST = { major: 5, minor: 53 }

/** @throws TransferError `version-unsupported` for servers before 5.53, of another major version, and such that do not say */
export const checkVersion = (version: string | undefined): void => {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(version ?? '') ?? []
  if (Number(major) === FIRST.major && Number(minor) >= FIRST.minor) return
  const shown = major === undefined ? 'an unknown version' : `${major}.${minor}`
  throw new TransferError(
    'version-unsupported',
    `Only Strapi ${FIRST.major}.${FIRST.minor} or later of ${FIRST.major}.x is pushed to, not ${shown}`,
  )
}
