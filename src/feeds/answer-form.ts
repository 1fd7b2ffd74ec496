import { type AdapterResponse } from './responses'

/** An answer as it is sent, made by the first reader; undefined before, and where it cannot be written. */
export interface Written {
  body: string | undefined
  tail: string | undefined
}

/**
 * A form of answers beside the usual one, for clients that ask for it; one object for all requests of that form. What has been written of a
 * value is kept for as long as that value is, and nothing of it is there for values that nobody has asked for in this form.
 */
export class AnswerForm {
  private readonly written = new WeakMap<object, Written>()

  /** @param shape - makes of a value's response what is sent; it must not change it, and must not throw */
  constructor(private readonly shape: (response: Readonly<AdapterResponse>) => Readonly<AdapterResponse>) {}

  /** A response in this form. An error is the same in every form. */
  of(response: Readonly<AdapterResponse>): Readonly<AdapterResponse> {
    return response.errorMessage === undefined ? this.shape(response) : response
  }

  /** Where the bytes of a stored response are kept. */
  writtenOf(response: Readonly<AdapterResponse>): Written {
    let written = this.written.get(response)
    if (written === undefined) this.written.set(response, (written = { body: undefined, tail: undefined }))
    return written
  }
}
