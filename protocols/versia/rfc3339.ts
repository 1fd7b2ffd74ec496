const FORM =
  /^(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** Unix ms of an RFC 3339 time, cut to the ms; undefined for all else: no zone, a day that does not exist, a leap second. */
export const unixMsOf = (text: unknown): number | undefined => {
  const match = typeof text === 'string' ? FORM.exec(text) : null
  if (match === null) return undefined
  const [, year, month, day, hours, minutes, seconds, fraction = '', zone = 'Z'] = match
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day))
  if (new Date(midnight).toISOString().slice(0, 10) !== `${year}-${month}-${day}`) return undefined
  const clock = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
  return midnight + clock * 1_000 + Number(fraction.padEnd(3, '0').slice(0, 3)) - offsetMs(zone)
}

const offsetMs = (zone: string): number => {
  if (zone === 'Z' || zone === 'z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}
