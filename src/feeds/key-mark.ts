import { type KeySettings } from './keys'

/**
 * A number for the settings that keys depend on: another one than before once any of them has changed. Settings are plain objects that
 * tests assign to and put others in the place of (contract 8.2), so nothing announces a change: here, and nowhere else, they are compared.
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
