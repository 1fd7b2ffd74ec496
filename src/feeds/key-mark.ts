import { type KeySettings } from './keys'

/**
 * A number that changes whenever one of the settings has changed that keys depend on. Tests assign to the settings, or replace the whole
 * object (contract 8.2), and no event tells of that: so they are compared, and only here.
 */
export class KeyMark {
  private mark = 0
  private maxKeySize: number | undefined
  private feedIdJson!: boolean
  private prefix: string | undefined
  private defaultKey!: string

  constructor(settings: KeySettings) {
    this.take(settings)
  }

  of(settings: KeySettings): number {
    if (
      settings.MAX_COMMON_KEY_SIZE !== this.maxKeySize ||
      settings.FEED_ID_JSON !== this.feedIdJson ||
      settings.CACHE_PREFIX !== this.prefix ||
      settings.DEFAULT_CACHE_KEY !== this.defaultKey
    ) {
      this.take(settings)
      this.mark++
    }
    return this.mark
  }

  private take(settings: KeySettings): void {
    this.maxKeySize = settings.MAX_COMMON_KEY_SIZE
    this.feedIdJson = settings.FEED_ID_JSON
    this.prefix = settings.CACHE_PREFIX
    this.defaultKey = settings.DEFAULT_CACHE_KEY
  }
}
